// Sends one established session what its peer is to be told, as fast as the kernel takes it and no faster.
import { isDeepStrictEqual } from 'node:util';
import { isGiven, pull, refresh } from '../../announce/bgp/rib-out.ts';
import type { Address, Family } from '../../model/address.ts';
import { type Audience, moveTelling, type Telling } from './audience.ts';
import type { Surroundings } from './surroundings.ts';

export interface RouteSender {
  readonly tellings: ReadonlyMap<Family, Telling>;
  /** How many routes the peer is to have, all families together. */
  readonly size: number;
  /** All that is wanted now is with the kernel, End-of-RIB included. */
  readonly isDone: boolean;
  /** That was so once since the session came up: the peer has the table, but for changes under way. */
  readonly isTold: boolean;
  /** The session is new, and this is one of its families. */
  add(telling: Telling): void;
  /** There may be something to send. */
  changed(): void;
  /** The kernel has taken all that waited. */
  drained(): void;
  /** The whole table again; `isMarked`: between BoRR and EoRR (RFC 7313). */
  resend(family: Family, isMarked: boolean): void;
  move(from: Audience, to: Audience): void;
  /** The family's routes go by these next hops from now on; none: they are withdrawn. False: they do so already. */
  redirect(family: Family, nextHops: readonly Address[], audience: Audience): boolean;
  /** The session is down. */
  end(): void;
}

/** Written in one go; then the event loop has its turn. */
const budgetBytes = 65_536;

export interface RouteSenderOptions {
  /** Returns how many bytes the kernel has not taken: then nothing is sent until `drained`. */
  readonly write: (messages: readonly Uint8Array[]) => number;
  /** All is with the kernel that there is for now. */
  readonly told: () => void;
  readonly soon: Surroundings['soon'];
}

export function createRouteSender({ write, told, soon }: RouteSenderOptions): RouteSender {
  let tellings = new Map<Family, Telling>();
  let isScheduled = false;
  let waitingBytes = 0;
  let isTold = false;

  const send = (): void => {
    isScheduled = false;
    let hasMore = false;
    for (const { rib, reader } of tellings.values()) {
      const messages = pull(rib, reader, budgetBytes);
      if (messages.length === 0) continue;
      hasMore = true;
      waitingBytes = write(messages);
      // Its end may have come with it.
      if (waitingBytes > 0 || tellings.size === 0) return;
    }
    if (hasMore) schedule();
    else if (tellings.size > 0) {
      isTold = true;
      told();
    }
  };
  const schedule = (): void => {
    if (isScheduled || tellings.size === 0 || waitingBytes > 0) return;
    isScheduled = true;
    soon(send);
  };

  return {
    get tellings() {
      return tellings;
    },
    get size() {
      return [...tellings.values()].reduce((sum, { size }) => sum + size(), 0);
    },
    get isDone() {
      return (
        tellings.size > 0 &&
        waitingBytes === 0 &&
        [...tellings.values()].every(({ rib, reader }) => isGiven(rib, reader))
      );
    },
    get isTold() {
      return isTold;
    },
    add(telling) {
      tellings.set(telling.manner.family, telling);
    },
    changed: schedule,
    drained() {
      waitingBytes = 0;
      schedule();
    },
    resend(family, isMarked) {
      const telling = tellings.get(family);
      if (telling === undefined) return;
      refresh(telling.rib, telling.reader, isMarked);
      schedule();
    },
    move(from, to) {
      for (const [family, telling] of tellings) tellings.set(family, moveTelling(telling, from, to));
      schedule();
    },
    redirect(family, nextHops, audience) {
      const telling = tellings.get(family);
      if (telling === undefined || isDeepStrictEqual(telling.manner.nextHops, nextHops)) return false;
      const manner = { ...telling.manner, nextHops };
      tellings.set(family, moveTelling(telling, audience, audience, manner));
      schedule();
      return true;
    },
    end() {
      for (const telling of tellings.values()) telling.end();
      tellings = new Map();
      waitingBytes = 0;
      isTold = false;
    },
  };
}
