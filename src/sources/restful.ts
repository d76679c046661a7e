// Work that costs what there is rather than what changed: done at once, and again only when most time was for other work.
import type { Clock } from '../kubernetes/timing.ts';

/** Of the time of this process, so that whoever causes the work cannot stall it. */
const mostShare = 1 / 20;

/** Calling the result asks for the work, which is done now, or once for all who asked meanwhile; not after the signal. */
export function restful(work: () => void, clock: Clock, signal: AbortSignal): () => void {
  let restsUntil = Number.NEGATIVE_INFINITY;
  let isWaiting = false;
  const run = (): void => {
    const began = clock.now();
    work();
    const ended = clock.now();
    restsUntil = ended + (ended - began) / mostShare;
  };
  const runLater = async (): Promise<void> => {
    isWaiting = true;
    await clock.sleep(restsUntil - clock.now(), signal);
    isWaiting = false;
    if (!signal.aborted) run();
  };
  return () => {
    if (isWaiting) return;
    if (clock.now() >= restsUntil) run();
    else void runLater();
  };
}
