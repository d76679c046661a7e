// Durations in Go's spelling, as Kubernetes writes them: `90s`, `1m30s`, `1.5h`, `500ms`.

const millisecondsOf: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds, maybe a fraction; undefined for anything else, a negative duration included. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d*)?(?:ns|us|\u00b5s|ms|s|m|h)){1,7}$/.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, count, unit = ''] of text.matchAll(/([\d.]+)([a-z\u00b5]+)/g)) {
    milliseconds += Number(count) * (millisecondsOf[unit] ?? Number.NaN);
  }
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
}
