// How long the client waits for what, and the clock and the chance by which it does.
import { setTimeout as systemSleep } from 'node:timers/promises';

export interface Timing {
  /** For a connection, TLS included. */
  readonly connectMilliseconds: number;
  /** For an answer to begin. */
  readonly answerMilliseconds: number;
  /** For the next piece of an answer. */
  readonly pieceMilliseconds: number;
  /** For the next piece of a watch. API servers send a bookmark a minute; a quiet watch without them is resumed. */
  readonly watchPieceMilliseconds: number;
  /** A watch is ended and resumed after half of this, or up to all of it, so that clients spread over the servers. */
  readonly watchMilliseconds: number;
  /** How often everything is read anew, at a watch's end, to find what no watch has told. */
  readonly auditMilliseconds: number;
  /** Before the second try; doubled for each that follows. */
  readonly firstDelayMilliseconds: number;
  /** The longest wait between two tries; a watch that then works for longer than the last wait begins anew. */
  readonly longestDelayMilliseconds: number;
  /** What a server may ask us to wait at most. */
  readonly longestRetryAfterMilliseconds: number;
  /** How old what was read from credential files may be. */
  readonly materialsMilliseconds: number;
}

export const defaultTiming: Timing = {
  connectMilliseconds: 5_000,
  answerMilliseconds: 30_000,
  pieceMilliseconds: 30_000,
  watchPieceMilliseconds: 90_000,
  watchMilliseconds: 600_000,
  auditMilliseconds: 3_600_000,
  firstDelayMilliseconds: 250,
  longestDelayMilliseconds: 15_000,
  longestRetryAfterMilliseconds: 300_000,
  materialsMilliseconds: 60_000,
};

export interface Clock {
  /** Milliseconds on a clock that nobody sets. */
  now(): number;
  /** Resolves when the time is over or the signal aborted, with nothing left behind. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  random: Math.random,
  async sleep(milliseconds, signal) {
    try {
      await systemSleep(milliseconds, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
