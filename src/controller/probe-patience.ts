// How long Services wait for a probe of their pool's addresses: where nobody probes them they would wait for ever.
import type { Clock } from './clock.ts';

/** Three rounds of probes take about half of it. */
const patienceMilliseconds = 15_000;

export interface ProbePatience {
  /** To be called after each plan, with the pools that Services wait for then. */
  look(awaiting: ReadonlySet<string>): void;
}

/** `lost` is told of pools that were waited for all the time; what is awaited must be told anew after that. */
export function createProbePatience(
  clock: Clock,
  signal: AbortSignal,
  lost: (pools: readonly string[]) => void,
): ProbePatience {
  /** Since when each pool is waited for. */
  const since = new Map<string, number>();
  let isSleeping = false;

  const wait = async (): Promise<void> => {
    isSleeping = true;
    while (since.size > 0 && !signal.aborted) {
      const first = Math.min(...since.values());
      await clock.sleep(Math.max(0, first + patienceMilliseconds - clock.now()), signal);
      if (signal.aborted) break;
      const late = [...since].filter(([, at]) => clock.now() - at >= patienceMilliseconds);
      for (const [pool] of late) since.delete(pool);
      if (late.length > 0) lost(late.map(([pool]) => pool));
    }
    isSleeping = false;
  };

  return {
    look(awaiting) {
      for (const pool of since.keys()) if (!awaiting.has(pool)) since.delete(pool);
      for (const pool of awaiting) if (!since.has(pool)) since.set(pool, clock.now());
      if (since.size > 0 && !isSleeping) void wait();
    },
  };
}
