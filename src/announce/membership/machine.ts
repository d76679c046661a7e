// One member: hears, watches, claims and elects. A step takes an event and the time, changes the state, and tells what
// to do; nothing else goes in or out, so that a simulation can run a whole cluster of them.
import { giveUpHopeless, serveOwn, withdraw } from './claims.ts';
import { elect, electAnew, electWithout } from './election.ts';
import { type Electorate, newest } from './electorate.ts';
import { nextBeat, sendPressing, takeAck, takeBeat } from './exchange.ts';
import {
  countVotes,
  excusePeers,
  newPeer,
  noteSilence,
  noteStability,
  slowBeatMilliseconds,
} from './hearing.ts';
import { renewLeases } from './leases.ts';
import { arrangePeers, followElectorate, found, knowElectorate, rejoin } from './reconfigure.ts';
import type { Addresses, MemberEffect, MemberEvent, MemberState, Peer, Rules, Turn } from './state.ts';
import { fullMeshMembers, timingFor } from './timing.ts';
import { createWatcher, excuse, keepSession } from './watcher.ts';

/** `electorate`: as it was last told of, by a start before; undefined: none is known. */
export function createMember(
  self: string,
  bootId: bigint,
  now: number,
  rules: Rules,
  electorate: Electorate | undefined,
): MemberState {
  const timing = timingFor(1);
  const state: MemberState = {
    self,
    bootId,
    startedAt: now,
    lastStep: now,
    nextBeat: now,
    timing,
    rules,
    nodes: [self],
    electorate: undefined,
    digest: 0,
    agreedSince: undefined,
    wishedSince: undefined,
    ready: 'no',
    isOrphan: false,
    leaving: false,
    interfaces: [],
    peers: new Map(),
    departed: new Map(),
    own: newPeer(self),
    bits: new Map(),
    watcher: createWatcher(now + timing.patienceMilliseconds + timing.leaseMilliseconds),
    claims: new Map(),
    leases: new Map(),
    handOvers: new Map(),
    given: new Map(),
    heldBy: new Map(),
    wanted: new Map(),
    standIns: new Map(),
    retryAt: Number.POSITIVE_INFINITY,
    elected: new Map(),
    wasCandidate: false,
    dirty: new Set(),
    pressing: new Set(),
    counts: { smallestSlackMilliseconds: Number.POSITIVE_INFINITY, conflicts: 0, lapses: 0 },
  };
  state.own.state = 'alive';
  keepSession(state.watcher, self, bootId, Number.POSITIVE_INFINITY, now);
  const turn: Turn = { state, now, effects: [], addresses: noAddresses };
  if (electorate !== undefined) knowElectorate(turn, electorate);
  return state;
}

const noAddresses: Addresses = { keys: () => [], elect: () => undefined };

export function stepMember(
  state: MemberState,
  event: MemberEvent,
  now: number,
  addresses: Addresses,
): MemberEffect[] {
  const turn: Turn = { state, now, effects: [], addresses };
  noteLateness(turn);
  state.lastStep = now;
  take(turn, event);
  if (state.leaving) return turn.effects;
  elect(turn);
  serveOwn(turn);
  renewLeases(turn);
  sendPressing(turn);
  return turn.effects;
}

function take(turn: Turn, event: MemberEvent): void {
  const { state } = turn;
  switch (event.kind) {
    case 'message':
      if (event.message.kind === 'beat') takeBeat(turn, event.message);
      else takeAck(turn, event.message);
      break;
    case 'tick':
      tick(turn);
      break;
    case 'beat':
      for (const name of state.peers.keys()) state.pressing.add(name);
      break;
    case 'nodes':
      state.nodes = event.nodes.toSorted();
      state.timing = timingFor(event.nodes.length);
      rejoin(turn);
      arrangePeers(turn);
      break;
    case 'ready':
      if (state.ready === event.ready) break;
      state.ready = event.ready;
      announceSelf(turn);
      break;
    case 'orphan':
      if (state.isOrphan === event.isOrphan) break;
      state.isOrphan = event.isOrphan;
      electAnew(turn);
      break;
    case 'interfaces':
      state.interfaces = event.interfaces;
      announceSelf(turn);
      break;
    case 'touched':
      for (const key of event.keys) {
        state.standIns.delete(key);
        state.dirty.add(key);
      }
      break;
    case 'elect':
      break;
    case 'leave':
      leave(turn);
      break;
    default:
      event satisfies never;
  }
}

/** The others shall know before they wonder. */
function announceSelf(turn: Turn): void {
  for (const name of turn.state.peers.keys()) turn.state.pressing.add(name);
  electAnew(turn);
}

/**
 * A step that comes later than two heartbeats after the one before: this process was frozen or kept from the CPU. Alone
 * against one other it cannot know whether that has taken over meanwhile, and asks anew.
 */
function noteLateness(turn: Turn): void {
  const { state, now, effects } = turn;
  const late = now - state.lastStep - state.timing.beatMilliseconds;
  if (late <= state.timing.beatMilliseconds) return;
  excuse(state.watcher, late);
  excusePeers(state, late);
  if (late < state.timing.leaseMilliseconds - state.timing.beatMilliseconds) return;
  effects.push({ kind: 'late', milliseconds: Math.round(late) });
  const isLone = state.electorate !== undefined && newest(state.electorate).members.length < 3;
  if (!isLone || state.rules.twoNodes !== 'availability' || state.peers.size === 0) return;
  for (const claim of [...state.claims.values()]) withdraw(turn, claim, undefined);
  electAnew(turn);
}

function tick(turn: Turn): void {
  const { state, now } = turn;
  if (state.electorate === undefined) found(turn);
  const silent = noteSilence(turn);
  for (const node of silent) electWithout(turn, node);
  if (silent.length > 0) {
    countVotes(turn);
    giveUpHopeless(turn);
    // Who is to take over does not watch the dead itself where only electors do.
    const told = state.bits.has(state.self) ? state.peers : state.bits;
    for (const name of told.keys()) state.pressing.add(name);
  }
  // Who is stable may be given back what this node has of it.
  if (noteStability(turn)) for (const key of state.claims.keys()) state.dirty.add(key);
  askAgain(turn);
  followElectorate(turn);
  if (now < state.nextBeat) return;
  state.nextBeat = Math.max(state.nextBeat + state.timing.beatMilliseconds, now);
  for (const peer of state.peers.values()) if (isDue(state, peer, now)) state.pressing.add(peer.name);
}

/** Where not everybody watches everybody, the others hear from this node now and then. */
const isDue = (state: MemberState, peer: Peer, now: number): boolean =>
  state.nodes.length <= fullMeshMembers ||
  state.bits.has(peer.name) ||
  now - peer.lastSent >= slowBeatMilliseconds;

function askAgain(turn: Turn): void {
  const { state, now } = turn;
  for (const watcher of [state.own, ...state.peers.values()]) {
    for (const [key, at] of watcher.again) {
      if (at > now) continue;
      watcher.again.delete(key);
      if (!state.claims.has(key)) continue;
      watcher.toAsk.add(key);
      state.pressing.add(watcher.name);
    }
  }
  if (now < state.retryAt) return;
  state.retryAt = Number.POSITIVE_INFINITY;
  const note = (key: string, at: number): void => {
    if (at <= now) state.dirty.add(key);
    else state.retryAt = Math.min(state.retryAt, at);
  };
  for (const [key, { askAt }] of state.heldBy) note(key, askAt);
  for (const [key, at] of state.standIns) note(key, at);
}

/** Silent from now on; the others free everything at once. Said three times, since nothing is said after it. */
function leave(turn: Turn): void {
  const { state, now, effects } = turn;
  state.leaving = true;
  state.ready = 'no';
  for (const claim of [...state.claims.values()]) withdraw(turn, claim, undefined);
  for (let copy = 0; copy < 3; copy++) {
    for (const peer of state.peers.values())
      effects.push({ kind: 'send', message: nextBeat(state, peer, now, true) });
  }
}
