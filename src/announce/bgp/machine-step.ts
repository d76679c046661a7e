// What every part of the session's machine works on: the session, the time, chance, and the list of what is to be done.
import type { Session, SessionEffect } from './session.ts';

export interface Step {
  readonly session: Session;
  /** Milliseconds. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly effects: SessionEffect[];
}

export const never = Number.POSITIVE_INFINITY;
