// What BGP sessions have of the world around them: the time, chance, and TCP. A simulation puts its own in their place.
import { performance } from 'node:perf_hooks';
import { type OpenConnection, openerOf } from './connection.ts';
import { type DialHandlers, dial } from './dial.ts';
import type { PeerPath } from './peer-path.ts';

export interface Surroundings {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** In [0, 1), for the jitter. */
  random(): number;
  /** Calls `act` so many milliseconds later, unless it is disposed before. */
  after(milliseconds: number, act: () => void): Disposable;
  /** Calls `act` once what has come already has been looked at. */
  soon(act: () => void): void;
  dial(path: PeerPath, handlers: WireHandlers): Disposable;
}

export interface WireHandlers extends Pick<DialHandlers, 'failed'> {
  connected(open: OpenConnection): void;
}

export const realSurroundings: Surroundings = {
  now: () => performance.now(),
  random: Math.random,
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  soon: (act) => void setImmediate(act),
  dial: (path, { connected, failed }) =>
    dial(path, {
      connected: (socket) => connected(openerOf(socket)),
      failed,
    }),
};
