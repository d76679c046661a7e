// Adj-RIB-Out of all peers that are told the same: what is wanted as a log of changes, and for each peer how far it was told.
// Peers at the same place of the log are given the same bytes, packed once.
import { unicastOf } from './address-family.ts';
import { writeMessage } from './message.ts';
import { type PackContext, packAnnounced, packWithdrawn } from './pack.ts';
import type { PathSet } from './path-set.ts';
import { type Prefix, type PrefixKey, prefixKey } from './prefix.ts';
import { refreshSubtype } from './route-refresh.ts';
import { endOfRib } from './update.ts';

export interface RibOut {
  readonly context: PackContext;
  /** The last change of each route; withdrawn ones stay until all peers know. */
  readonly routes: Map<PrefixKey, Change>;
  /** In order; undefined where a later change has taken its place. */
  log: (Change | undefined)[];
  /** By where they begin in the log. */
  readonly packed: Map<number, Packed>;
  readonly readers: Set<Reader>;
  /** What was wanted at first, as far as it is not in the log yet; undefined: all is. */
  table: Iterator<WantedRoute> | undefined;
}

export type WantedRoute = readonly [prefix: Prefix, set: PathSet];

interface Change {
  readonly key: PrefixKey;
  readonly prefix: Prefix;
  /** Undefined: withdrawn. */
  readonly set: PathSet | undefined;
  index: number;
}

interface Packed {
  readonly messages: readonly Uint8Array[];
  readonly end: number;
}

/** One peer's place. */
export interface Reader {
  /** Up to here in the log it was given all. */
  at: number;
  /** Packed and not given out yet. */
  waiting: readonly Uint8Array[];
  waitingAt: number;
  /** What ends the table that it is being sent: nothing once it has that. */
  owes: 'end-of-rib' | 'end-of-refresh' | undefined;
}

/** Changes looked at together for what they share: a few messages' worth. */
const window = 4096;

/**
 * `table` is taken bit by bit, as the first peer is told of it, which so need not wait for the last route; it gives what is
 * wanted by then.
 */
export const createRibOut = (context: PackContext, table?: Iterable<WantedRoute>): RibOut => ({
  context,
  table: table?.[Symbol.iterator](),
  routes: new Map(),
  log: [],
  packed: new Map(),
  readers: new Set(),
});

/** A peer whose session is new: it gets the whole table, then End-of-RIB. */
export function addReader(rib: RibOut): Reader {
  const reader: Reader = { at: 0, waiting: [], waitingAt: 0, owes: 'end-of-rib' };
  rib.readers.add(reader);
  return reader;
}

export const removeReader = (rib: RibOut, reader: Reader): boolean => rib.readers.delete(reader);

/** The peer was given all that there is for now. */
export const isGiven = (rib: RibOut, reader: Reader): boolean =>
  reader.at >= rib.log.length &&
  reader.waitingAt >= reader.waiting.length &&
  reader.owes === undefined &&
  rib.table === undefined;

/** Sends the whole table again; `isMarked`: between BoRR and EoRR (RFC 7313 §4). */
export function refresh(rib: RibOut, reader: Reader, isMarked: boolean): void {
  reader.at = 0;
  // Before the first End-of-RIB, the table that is being sent serves for both.
  if (reader.owes === 'end-of-rib' || !isMarked) return;
  reader.waiting = [...reader.waiting.slice(reader.waitingAt), refreshMessage(rib, refreshSubtype.begin)];
  reader.waitingAt = 0;
  reader.owes = 'end-of-refresh';
}

/** `set` undefined withdraws. What is wanted already, with a set that is the same one, changes nothing. */
export function want(rib: RibOut, prefix: Prefix, set: PathSet | undefined): void {
  const key = prefixKey(prefix);
  const before = rib.routes.get(key);
  if (before?.set === set) return;
  if (before !== undefined) overtake(rib, before.index);
  const change = { key, prefix, set, index: rib.log.length };
  rib.routes.set(key, change);
  rib.log.push(change);
  if (rib.log.length > 2 * rib.routes.size + window) compact(rib);
}

/** What was packed of it goes too: a peer that begins anew must not be told first what holds no more. */
function overtake(rib: RibOut, index: number): void {
  rib.log[index] = undefined;
  rib.packed.clear();
}

/** What to send next: whole messages up to so many bytes, and one at least; none once the peer has everything. */
export function pull(rib: RibOut, reader: Reader, budgetBytes: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const message = reader.waiting[reader.waitingAt];
    if (message === undefined) {
      if (!refill(rib, reader)) return messages;
      continue;
    }
    if (messages.length > 0 && size + message.length > budgetBytes) return messages;
    messages.push(message);
    size += message.length;
    reader.waitingAt++;
  }
}

function refill(rib: RibOut, reader: Reader): boolean {
  reader.waitingAt = 0;
  if (reader.at < rib.log.length || takeMore(rib)) {
    const { messages, end } = packAt(rib, reader.at);
    reader.waiting = messages;
    reader.at = end;
    return true;
  }
  reader.waiting = [];
  if (reader.owes === undefined) return false;
  const isRefresh = reader.owes === 'end-of-refresh';
  const { family } = rib.context;
  reader.waiting = [isRefresh ? refreshMessage(rib, refreshSubtype.end) : writeMessage(endOfRib(family))];
  reader.owes = undefined;
  return true;
}

/** False: there is no more. */
function takeMore(rib: RibOut): boolean {
  const before = rib.log.length;
  while (rib.table !== undefined && rib.log.length < before + window) {
    const { done, value } = rib.table.next();
    if (done === true) rib.table = undefined;
    else want(rib, value[0], value[1]);
  }
  return rib.log.length > before;
}

const refreshMessage = ({ context }: RibOut, subtype: number): Uint8Array =>
  writeMessage({ kind: 'route-refresh', ...unicastOf(context.family), subtype });

function packAt(rib: RibOut, at: number): Packed {
  const known = rib.packed.get(at);
  if (known !== undefined) return known;
  const end = Math.min(rib.log.length, at + window);
  const withdrawn: Prefix[] = [];
  const announced = new Map<PathSet, Prefix[]>();
  for (let index = at; index < end; index++) {
    const change = rib.log[index];
    if (change === undefined) continue;
    const { set, prefix } = change;
    if (set === undefined) withdrawn.push(prefix);
    else {
      const group = announced.get(set);
      if (group === undefined) announced.set(set, [prefix]);
      else group.push(prefix);
    }
  }
  const messages = packWithdrawn(withdrawn, rib.context);
  for (const [set, prefixes] of announced) messages.push(...packAnnounced(prefixes, set, rib.context));
  const packed = { messages, end };
  if (rib.packed.size >= 64) rib.packed.clear();
  rib.packed.set(at, packed);
  return packed;
}

/** Forgets changes that were overtaken, and withdrawals that every peer was given. */
function compact(rib: RibOut): void {
  let least = rib.log.length;
  for (const { at } of rib.readers) least = Math.min(least, at);
  const log: Change[] = [];
  /** How many of the log's first changes are kept, for each length that a reader has. */
  const kept = new Map<number, number>();
  const places = new Set([...rib.readers].map(({ at }) => at));
  for (let index = 0; index <= rib.log.length; index++) {
    if (places.has(index)) kept.set(index, log.length);
    const change = rib.log[index];
    if (change === undefined) continue;
    if (change.set === undefined && index < least) rib.routes.delete(change.key);
    else {
      change.index = log.length;
      log.push(change);
    }
  }
  for (const reader of rib.readers) reader.at = kept.get(reader.at) ?? 0;
  rib.log = log;
  rib.packed.clear();
}
