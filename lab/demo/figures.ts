// What both demos reckon from the client's reports.
import type { ProbeReport } from '../probe.ts';

/** Both addresses of a dual-stack Service, once it has them. */
export const twoOf = (addresses: readonly string[]): readonly string[] | undefined =>
  addresses.length === 2 ? addresses : undefined;

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

/** The longest time without an answer, of all that asked over this family. */
export const outageOf = (reports: readonly ProbeReport[], family: 'IPv4' | 'IPv6'): number =>
  Math.round(
    Math.max(
      ...reports
        .filter(({ target }) => target.address.includes(':') === (family === 'IPv6'))
        .map(({ outageMilliseconds }) => outageMilliseconds),
    ),
  );

/** Milliseconds from `since` to the last of the first answers; Infinity where somebody was never answered. */
export const firstAnswerAfter = (since: number, reports: readonly ProbeReport[]): number =>
  Math.max(...reports.map(({ firstAnswer }) => (firstAnswer ?? Infinity) - since));

/** Answers by who gave them, over all reports. */
export function answersBy(reports: readonly ProbeReport[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { answeredBy } of reports)
    for (const [name, count] of Object.entries(answeredBy)) total[name] = (total[name] ?? 0) + count;
  return total;
}
