// One watcher's part: who holds which address, as far as this node has granted it. A lock service in miniature: holders
// have sessions, which their heartbeats keep alive, and locks on addresses, which go with the session.

import { addressOfKey } from '../../model/share.ts';
import { createPastHolders, noteHolder, type PastHolders } from './past-holders.ts';

export interface Session {
  readonly node: string;
  /** The holder's start: another start is another session. */
  readonly bootId: bigint;
  /** Tells this session from all others of this watcher; a holder that sees another has none of its locks any more. */
  readonly id: number;
  /** When its last heartbeat was received. */
  lastHeard: number;
  /** The holder's promise: it speaks for less than this after it sent a heartbeat. */
  patienceMilliseconds: number;
  readonly locks: Set<string>;
  /** Locks that another asked for, by who did: to be told to the holder. */
  readonly wanted: Map<string, string>;
}

export interface Watcher {
  /** The session of each node's newest start. */
  readonly sessions: Map<string, Session>;
  readonly locks: Map<string, Session>;
  /** By address, the shares of it that are locked. */
  readonly shares: Map<string, Set<string>>;
  readonly past: PastHolders;
  /** What sessions had that have ended, or given way to another start's, since this was looked at last. */
  readonly unsettled: Set<string>;
  lastSessionId: number;
  /** A watcher that starts does not know what it granted before: it grants nothing until that has lapsed. */
  grantsFrom: number;
}

export const createWatcher = (grantsFrom: number): Watcher => ({
  sessions: new Map(),
  locks: new Map(),
  shares: new Map(),
  past: createPastHolders(),
  unsettled: new Set(),
  lastSessionId: 0,
  grantsFrom,
});

export const isLapsed = (session: Session, now: number): boolean =>
  now - session.lastHeard > session.patienceMilliseconds;

/** Keeps the node's session alive, or begins one: of a node that has none, or has started anew. */
export function keepSession(
  watcher: Watcher,
  node: string,
  bootId: bigint,
  patienceMilliseconds: number,
  now: number,
): Session {
  const found = watcher.sessions.get(node);
  if (found?.bootId === bootId) {
    found.lastHeard = now;
    found.patienceMilliseconds = patienceMilliseconds;
    return found;
  }
  watcher.lastSessionId++;
  const session: Session = {
    node,
    bootId,
    id: watcher.lastSessionId,
    lastHeard: now,
    patienceMilliseconds,
    locks: new Set(),
    wanted: new Map(),
  };
  // What the start before had stays locked until that lapses: nothing proves that it has ended.
  for (const key of found?.locks ?? []) watcher.unsettled.add(key);
  watcher.sessions.set(node, session);
  return session;
}

/** The holder has said that it is silent for good. */
export function endSession(watcher: Watcher, session: Session): void {
  for (const key of session.locks) {
    forget(watcher, session, key);
    watcher.unsettled.add(key);
  }
  session.locks.clear();
  if (watcher.sessions.get(session.node) === session) watcher.sessions.delete(session.node);
}

/**
 * Undefined: it is granted. Otherwise who has it, or has the address whole where a share of it is asked for, or a share
 * where it is asked for whole: nodes learn at different times that an address is spread. A session that lapsed ends with
 * the first lock that another takes.
 */
export function lock(watcher: Watcher, session: Session, key: string, now: number): Session | undefined {
  for (const taken of excluding(watcher, key)) {
    const holder = watcher.locks.get(taken);
    if (holder === undefined || holder === session) continue;
    if (!isLapsed(holder, now)) {
      holder.wanted.set(taken, session.node);
      return holder;
    }
    endSession(watcher, holder);
  }
  const address = addressOfKey(key);
  if (address !== key) {
    const shares = watcher.shares.get(address) ?? new Set();
    watcher.shares.set(address, shares.add(key));
  }
  watcher.locks.set(key, session);
  noteHolder(watcher.past, key, session.node);
  session.locks.add(key);
  return undefined;
}

/** The locks of which another's excludes this one. */
function excluding({ shares }: Watcher, key: string): readonly string[] {
  const address = addressOfKey(key);
  return address === key ? [key, ...(shares.get(key) ?? [])] : [key, address];
}

function forget(watcher: Watcher, session: Session, key: string): void {
  if (watcher.locks.get(key) !== session) return;
  watcher.locks.delete(key);
  const address = addressOfKey(key);
  const shares = watcher.shares.get(address);
  if (shares?.delete(key) && shares.size === 0) watcher.shares.delete(address);
}

/** Who has it, as far as this watcher knows. */
export function holderOf(watcher: Watcher, key: string, now: number): Session | undefined {
  const holder = watcher.locks.get(key);
  return holder === undefined || isLapsed(holder, now) ? undefined : holder;
}

export function unlock(watcher: Watcher, session: Session, key: string): void {
  session.locks.delete(key);
  session.wanted.delete(key);
  forget(watcher, session, key);
}

/** This node was late itself: what it did not hear meanwhile waits in its sockets. Nobody lapses for that. */
export function excuse(watcher: Watcher, lateMilliseconds: number): void {
  for (const session of new Set([...watcher.sessions.values(), ...watcher.locks.values()]))
    session.lastHeard += lateMilliseconds;
}
