// Services that could have an address, or a second one, if something changed: found again by what that is.
import type { Address, Family } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';

/** Names a change that makes another try worth while. */
export type Token = string;

/** An address of the family became free in the pool. */
export const spaceToken = (pool: string, family: Family): Token => `space ${pool} ${family}`;

/** Someone gave the address up. */
export const addressToken = ({ family, value }: Address): Token => `address ${family} ${value}`;

/** An address that is shared by the key came into use, or someone left one. */
export const sharingToken = (key: string): Token => `sharing ${key}`;

/** What decides who is first. */
export interface Turn {
  readonly key: ServiceKey;
  /** Milliseconds since 1970 of its creation; infinite where that is not known. */
  readonly age: number;
  /** It has one address and wants the second: after those that have none. */
  readonly second: boolean;
}

/** Those without an address first, then the oldest, then by key. */
export function isBefore(a: Turn, b: Turn): boolean {
  if (a.second !== b.second) return b.second;
  return a.age < b.age || (a.age === b.age && a.key < b.key);
}

export interface Waiter extends Turn {
  readonly tokens: readonly Token[];
}

export interface WaitingRoom {
  readonly waiters: Map<ServiceKey, Waiter>;
  /** Each in the order of `isBefore`. */
  readonly queues: Map<Token, Waiter[]>;
}

export const emptyWaitingRoom = (): WaitingRoom => ({ waiters: new Map(), queues: new Map() });

export function park(room: WaitingRoom, waiter: Waiter): void {
  unpark(room, waiter.key);
  room.waiters.set(waiter.key, waiter);
  for (const token of waiter.tokens) {
    const queue = room.queues.get(token);
    if (queue === undefined) room.queues.set(token, [waiter]);
    else queue.splice(placeOf(queue, waiter), 0, waiter);
  }
}

export function unpark(room: WaitingRoom, service: ServiceKey): void {
  const waiter = room.waiters.get(service);
  if (waiter === undefined) return;
  room.waiters.delete(service);
  for (const token of waiter.tokens) {
    const queue = room.queues.get(token);
    if (queue === undefined) continue;
    queue.splice(placeOf(queue, waiter), 1);
    if (queue.length === 0) room.queues.delete(token);
  }
}

/** Who is to try next when the token's change has come: the first, or the first after `last`, who has just tried. */
export function nextWaiter(room: WaitingRoom, token: Token, last: Turn | undefined): Waiter | undefined {
  const queue = room.queues.get(token);
  if (queue === undefined || last === undefined) return queue?.[0];
  const place = placeOf(queue, last);
  return queue[place]?.key === last.key ? queue[place + 1] : queue[place];
}

/** Where the waiter is, or belongs. */
function placeOf(queue: readonly Waiter[], turn: Turn): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const waiter = queue[middle];
    if (waiter !== undefined && isBefore(waiter, turn)) low = middle + 1;
    else high = middle;
  }
  return low;
}
