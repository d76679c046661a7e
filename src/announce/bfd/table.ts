// All BFD sessions of a node: which packet is for which (RFC 5880 §6.3, §6.8.6; 5881 §3, §5; 5883 §4–5), and which is due
// next. One heap serves all their times. Pure: the clock, the dice and the network are its caller's.
import { Heap } from '../../collections/heap.ts';
import { type Address, addressToBytes, formatAddress } from '../../model/address.ts';
import type { Instant } from './instant.ts';
import { stepSession } from './machine.ts';
import { type ControlPacketError, readControlPacket } from './message.ts';
import {
  createSession,
  nextDeadline,
  remoteDetectionTime,
  type Session,
  type SessionSettings,
} from './session.ts';
import type { SessionEffect, SessionEvent } from './session-event.ts';

/** Between whom a session is. */
export interface SessionPath {
  readonly peer: Address;
  /** Undefined: whichever the kernel chooses. */
  readonly local: Address | undefined;
  /** Its name; undefined: any. A peer with a link-local address has one. */
  readonly interfaceName: string | undefined;
  readonly isMultihop: boolean;
}

export interface WantedSession extends SessionPath {
  readonly settings: SessionSettings;
  /** Multihop only: packets that came further are refused (RFC 5883 §5). */
  readonly minimumTtl: number;
}

/** A session of the table and what belongs to it. */
export interface Entry {
  /** Names the path: the same for the same path. */
  readonly key: string;
  wanted: WantedSession;
  readonly session: Session;
  readonly peerBytes: Uint8Array;
  readonly localBytes: Uint8Array | undefined;
  /** It is administratively down, and forgotten at this time. */
  leavesAt: number;
  /** Of its place in the heap; infinite: it has none. */
  dueAt: number;
  packetsReceived: number;
  packetsSent: number;
  /** Of the peer's last packet, where that was refused for having come too far. */
  lowTtl: number | undefined;
  /** How often it came up, and went down from there. */
  ups: number;
  downs: number;
}

/** How a datagram came. The bytes are valid during the call only. */
export interface Arrival {
  readonly isMultihop: boolean;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly interfaceName: string;
  /** TTL or hop limit. */
  readonly ttl: number;
}

export type Refusal = ControlPacketError | 'ttl' | 'no-session' | 'other-path' | 'authentication';

export type TableEffect = SessionEffect | { readonly kind: 'gone' };

export interface BfdTable {
  readonly entries: ReadonlyMap<string, Entry>;
  /** All sessions that there should be; those that should not are taken down in an orderly way. */
  configure(wanted: readonly WantedSession[], now: Instant): void;
  /** Undefined: it was believed. */
  receive(bytes: Uint8Array, arrival: Arrival, now: Instant): Refusal | undefined;
  /** An echo packet of the session with this discriminator came back. */
  echoReturned(discriminator: number, now: Instant): boolean;
  /** Does what is due. All that came in before `now` has been told. */
  advance(now: Instant): void;
  /** When `advance` is to be called at the latest; infinite: there is nothing to do. */
  nextDue(): number;
  /** Tells all peers that it is our wish to be down (§6.8.16). */
  leave(now: Instant): void;
  /** Adds a session that another process had. */
  adopt(wanted: WantedSession, session: Session, now: Instant): void;
}

export interface BfdTableOptions {
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly apply: (entry: Entry, effect: TableEffect) => void;
}

/** Single-hop packets come from a neighbour (RFC 5881 §5). */
const neighbourTtl = 255;

export const pathKey = ({ peer, local, interfaceName, isMultihop }: SessionPath): string =>
  [
    isMultihop ? 'multihop' : 'single-hop',
    formatAddress(peer),
    local === undefined ? '-' : formatAddress(local),
    interfaceName ?? '-',
  ].join(' ');

export function createBfdTable({ random, apply }: BfdTableOptions): BfdTable {
  const entries = new Map<string, Entry>();
  const byDiscriminator = new Map<number, Entry>();
  const due = new Heap<{ readonly at: number; readonly entry: Entry }>((a, b) => a.at < b.at);

  const step = (entry: Entry, event: SessionEvent, now: Instant): void => {
    const before = entry.session.state;
    const effects = stepSession(entry.session, event, now, random);
    const { state } = entry.session;
    if (state !== before && state === 'up') entry.ups++;
    if (state !== before && before === 'up') entry.downs++;
    for (const effect of effects) {
      if (effect.kind === 'send') entry.packetsSent++;
      apply(entry, effect);
    }
    plan(entry, now);
  };

  /** An entry that is in the heap for an earlier time stays there: that it is later now shows when it comes up. */
  const plan = (entry: Entry, now: Instant): void => {
    const at = Math.min(nextDeadline(entry.session, now), entry.leavesAt);
    if (at >= entry.dueAt) return;
    entry.dueAt = at;
    due.push({ at, entry });
  };

  const freshDiscriminator = (): number => {
    for (;;) {
      const discriminator = Math.floor(random() * 0x1_0000_0000);
      if (discriminator !== 0 && !byDiscriminator.has(discriminator)) return discriminator;
    }
  };

  const add = (wanted: WantedSession, session: Session, now: Instant): void => {
    const entry: Entry = {
      key: pathKey(wanted),
      wanted,
      session,
      peerBytes: addressToBytes(wanted.peer),
      localBytes: wanted.local && addressToBytes(wanted.local),
      leavesAt: Number.POSITIVE_INFINITY,
      dueAt: Number.POSITIVE_INFINITY,
      packetsReceived: 0,
      packetsSent: 0,
      lowTtl: undefined,
      ups: 0,
      downs: 0,
    };
    entries.set(entry.key, entry);
    byDiscriminator.set(session.localDiscriminator, entry);
    apply(entry, { kind: 'changed' });
    plan(entry, now);
  };

  const remove = (entry: Entry): void => {
    entries.delete(entry.key);
    byDiscriminator.delete(entry.session.localDiscriminator);
    apply(entry, { kind: 'gone' });
  };

  /** Our wish is told for as long as the other may wait for us (§6.8.16). */
  const takeDown = (entry: Entry, now: Instant): void => {
    if (entry.leavesAt !== Number.POSITIVE_INFINITY) return;
    entry.leavesAt = now.at + remoteDetectionTime(entry.session);
    step(entry, { kind: 'admin-down' }, now);
  };

  const update = (entry: Entry, wanted: WantedSession, now: Instant): void => {
    const before = entry.wanted.settings;
    entry.wanted = wanted;
    if (!sameSettings(before, wanted.settings))
      step(entry, { kind: 'settings', settings: wanted.settings }, now);
    if (entry.leavesAt === Number.POSITIVE_INFINITY) return;
    entry.leavesAt = Number.POSITIVE_INFINITY;
    step(entry, { kind: 'admin-up' }, now);
  };

  const noteTtl = (entry: Entry, ttl: number | undefined): void => {
    if (entry.lowTtl === ttl) return;
    entry.lowTtl = ttl;
    apply(entry, { kind: 'changed' });
  };

  /** By our discriminator, or, before the other knows it, by the path (§6.3). */
  const entryFor = (discriminator: number, arrival: Arrival): Entry | 'no-session' | 'other-path' => {
    if (discriminator !== 0) {
      const entry = byDiscriminator.get(discriminator);
      if (entry === undefined) return 'no-session';
      return isOnPath(entry, arrival) ? entry : 'other-path';
    }
    for (const entry of entries.values()) if (isOnPath(entry, arrival)) return entry;
    return 'no-session';
  };

  return {
    entries,
    configure(wanted, now) {
      const keys = new Set<string>();
      for (const one of wanted) {
        const key = pathKey(one);
        if (keys.has(key)) continue;
        keys.add(key);
        const entry = entries.get(key);
        if (entry !== undefined) update(entry, one, now);
        else add(one, createSession(freshDiscriminator(), one.settings, now, random), now);
      }
      for (const entry of [...entries.values()]) if (!keys.has(entry.key)) takeDown(entry, now);
    },
    receive(bytes, arrival, now) {
      // A neighbour's packet has passed no router, so nobody further away can have sent it.
      if (!arrival.isMultihop && arrival.ttl !== neighbourTtl) return 'ttl';
      const packet = readControlPacket(bytes);
      if ('error' in packet) return packet.error;
      const entry = entryFor(packet.yourDiscriminator, arrival);
      if (typeof entry === 'string') return entry;
      if (arrival.isMultihop && arrival.ttl < entry.wanted.minimumTtl) {
        noteTtl(entry, arrival.ttl);
        return 'ttl';
      }
      if (packet.authentication !== undefined) return 'authentication';
      entry.packetsReceived++;
      noteTtl(entry, undefined);
      step(entry, { kind: 'packet', packet }, now);
      return undefined;
    },
    echoReturned(discriminator, now) {
      const entry = byDiscriminator.get(discriminator);
      if (entry === undefined) return false;
      step(entry, { kind: 'echo-returned' }, now);
      return true;
    },
    advance(now) {
      for (let next = due.peek(); next !== undefined && next.at <= now.at; next = due.peek()) {
        due.pop();
        const { at, entry } = next;
        if (at !== entry.dueAt) continue;
        entry.dueAt = Number.POSITIVE_INFINITY;
        if (entry.leavesAt <= now.at) remove(entry);
        else step(entry, { kind: 'tick' }, now);
      }
    },
    nextDue: () => due.peek()?.at ?? Number.POSITIVE_INFINITY,
    leave(now) {
      for (const entry of entries.values()) takeDown(entry, now);
    },
    adopt(wanted, session, now) {
      // The other process's lateness is not ours; what it had heard counts from now on.
      if (session.heard !== undefined) session.heard = now;
      if (session.echo.returned !== undefined) session.echo.returned = now;
      // The peer waits since the other process spoke.
      if (session.transmitAt !== Number.POSITIVE_INFINITY) session.transmitAt = now.at;
      add(wanted, session, now);
    },
  };
}

const isOnPath = ({ wanted, peerBytes, localBytes }: Entry, arrival: Arrival): boolean =>
  wanted.isMultihop === arrival.isMultihop &&
  sameBytes(peerBytes, arrival.source) &&
  (localBytes === undefined || sameBytes(localBytes, arrival.destination)) &&
  (wanted.interfaceName === undefined || wanted.interfaceName === arrival.interfaceName);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

const sameSettings = (a: SessionSettings, b: SessionSettings): boolean =>
  a.desiredMinTxMicroseconds === b.desiredMinTxMicroseconds &&
  a.requiredMinRxMicroseconds === b.requiredMinRxMicroseconds &&
  a.detectMultiplier === b.detectMultiplier &&
  a.isPassive === b.isPassive &&
  a.echoIntervalMicroseconds === b.echoIntervalMicroseconds;
