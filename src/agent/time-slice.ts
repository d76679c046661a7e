// Long work in slices: after five milliseconds the event loop gets a turn, so that nothing else waits for the end.

const sliceMilliseconds = 5;

export interface TimeSlice {
  /** Time for others: wait for `next`. */
  isOver(): boolean;
  /** Resolves after the event loop has had its turn. */
  next(): Promise<void>;
}

export function startTimeSlice(): TimeSlice {
  let end = performance.now() + sliceMilliseconds;
  return {
    isOver: () => performance.now() >= end,
    async next() {
      await new Promise<void>((resolve) => setImmediate(resolve));
      end = performance.now() + sliceMilliseconds;
    },
  };
}
