// How long to wait before a request is tried again: longer each time, by chance, and never less than the server asks.
import type { ApiReason } from './reason.ts';
import type { Timing } from './timing.ts';

/**
 * Milliseconds before the next try, after so many that failed (1: the first has). Between half of the doubled delay and
 * all of it, so that those who failed together do not come back together.
 */
export function backoffMilliseconds(
  failures: number,
  reason: ApiReason,
  timing: Timing,
  random: () => number,
): number {
  const doubled = timing.firstDelayMilliseconds * 2 ** Math.min(failures - 1, 30);
  const delay = Math.min(doubled, timing.longestDelayMilliseconds) * (0.5 + random() / 2);
  const asked = 'retryAfterSeconds' in reason ? (reason.retryAfterSeconds ?? 0) * 1000 : 0;
  const wanted = Math.min(asked, timing.longestRetryAfterMilliseconds) * (1 + random() / 10);
  return Math.max(delay, wanted);
}
