// A look at the clock by a process that knows how late it has been.

export interface Instant {
  /** Milliseconds of a steady clock. */
  readonly at: number;
  /**
   * Milliseconds, since some start, for which this process was kept from looking. What others sent meanwhile may be lost,
   * as it is where a whole machine stands still, so that time is not held against them.
   */
  readonly stalled: number;
}

/** When so many milliseconds have passed since, of those in which this process could look. */
export const afterLooking = (since: Instant, milliseconds: number, now: Instant): number =>
  since.at + milliseconds + now.stalled - since.stalled;
