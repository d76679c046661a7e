// Does something whenever it is asked for, but not too often; and now and then unasked.

export interface PaceOptions {
  readonly act: () => void;
  /** At least so long between two. */
  readonly leastMilliseconds: number;
  /** At most so long, asked or not. */
  readonly mostMilliseconds: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Returns the function that asks. The first time it is done at once. */
export function createPace({ act, leastMilliseconds, mostMilliseconds, signal }: PaceOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  let mayActAt = Number.NEGATIVE_INFINITY;

  const perform = (): void => {
    if (signal.aborted) return;
    isAsked = false;
    mayActAt = performance.now() + leastMilliseconds;
    schedule(mostMilliseconds);
    act();
  };
  const schedule = (milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(perform, milliseconds);
    timer.unref();
  };
  signal.addEventListener('abort', () => clearTimeout(timer));

  return () => {
    if (isAsked || signal.aborted) return;
    isAsked = true;
    const wait = mayActAt - performance.now();
    if (wait <= 0) perform();
    else schedule(wait);
  };
}
