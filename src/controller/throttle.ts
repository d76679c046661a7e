// Does something at once when asked to, and again when asked again, but not more often than so.
import type { Clock } from './clock.ts';

/** Whoever is too early is served when the interval is over, all of them at one time. */
export function throttle(
  intervalMilliseconds: number,
  clock: Clock,
  signal: AbortSignal,
  action: () => void,
): () => void {
  let isResting = false;
  let isAsked = false;
  const ask = (): void => {
    isAsked = true;
    if (!isResting) void serve();
  };
  const serve = async (): Promise<void> => {
    isResting = true;
    while (isAsked && !signal.aborted) {
      isAsked = false;
      action();
      await clock.sleep(intervalMilliseconds, signal);
    }
    isResting = false;
  };
  return ask;
}
