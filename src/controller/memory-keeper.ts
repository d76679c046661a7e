// Gives memory back after a burst: the heap grows with it by half of what there is, and does not shrink by itself.
import type { Clock } from './clock.ts';

/** Fewer changes leave little behind. */
const manyChanges = 2000;
/** Collecting takes as long as a plan of thousands: nobody shall wait for it. */
const calmMilliseconds = 5000;

export interface MemoryKeeper {
  /** So many changes were handled. */
  note(changes: number): void;
}

/** `collect` is called when nothing has come for some seconds after many changes, once for all of them. */
export function createMemoryKeeper(clock: Clock, signal: AbortSignal, collect: () => void): MemoryKeeper {
  let handled = 0;
  let lastAt = 0;
  let isWaiting = false;

  const wait = async (): Promise<void> => {
    isWaiting = true;
    for (
      let left = calmMilliseconds;
      left > 0 && !signal.aborted;
      left = lastAt + calmMilliseconds - clock.now()
    )
      await clock.sleep(left, signal);
    isWaiting = false;
    if (signal.aborted) return;
    handled = 0;
    collect();
  };

  return {
    note(changes) {
      handled += changes;
      lastAt = clock.now();
      if (handled >= manyChanges && !isWaiting) void wait();
    },
  };
}
