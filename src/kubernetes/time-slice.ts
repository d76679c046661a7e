// Long reading in slices: after five milliseconds the event loop gets a turn.
import { setImmediate as nextTurn } from 'node:timers/promises';

const sliceMilliseconds = 5;

export interface TimeSlice {
  /** Time for others: wait for `next`. */
  isOver(): boolean;
  /** Resolves after the event loop has had its turn. */
  next(): Promise<void>;
}

export function createTimeSlice(): TimeSlice {
  let end = performance.now() + sliceMilliseconds;
  return {
    isOver: () => performance.now() >= end,
    async next() {
      await nextTurn();
      end = performance.now() + sliceMilliseconds;
    },
  };
}
