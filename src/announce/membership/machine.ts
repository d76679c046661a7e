// One member: hears, watches, claims and elects. A step takes an event and the time, changes the state, and tells what
// to do; nothing else goes in or out, so that a simulation can run a whole cluster of them.
import {
  ask,
  askAnew,
  assignBits,
  giveUpHopeless,
  granted,
  isHeld,
  lapsesIn,
  refused,
  released,
  renewLeases,
  serveOwn,
  type Turn,
  withdraw,
} from './claims.ts';
import {
  type Electorate,
  electorateDigest,
  extendElectorate,
  foundElectorate,
  majorityOf,
  mergeElectorates,
  newest,
  wantedMembers,
} from './electorate.ts';
import {
  countVotes,
  depart,
  excusePeers,
  hear,
  isCurrent,
  meetStart,
  newPeer,
  noteSilence,
  noteStability,
  silentTo,
  takeNews,
} from './hearing.ts';
import type {
  Ack,
  Beat,
  Claim,
  Elect,
  MemberEffect,
  MemberEvent,
  MemberState,
  Peer,
  Rules,
} from './state.ts';
import { chosenWatchers, fullMeshMembers, timingFor } from './timing.ts';
import { createWatcher, endSession, excuse, keepSession, lock, unlock } from './watcher.ts';

export interface Addresses {
  /** All that may be elected for. */
  keys(): Iterable<string>;
  readonly elect: Elect;
}

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
    retryAt: Number.POSITIVE_INFINITY,
    dirty: new Set(),
    pressing: new Set(),
    counts: { smallestSlackMilliseconds: Number.POSITIVE_INFINITY, conflicts: 0, lapses: 0 },
  };
  state.own.state = 'alive';
  keepSession(state.watcher, self, bootId, Number.POSITIVE_INFINITY, now);
  const turn: Turn = { state, now, effects: [], elect: () => undefined };
  if (electorate !== undefined) knowElectorate(turn, electorate);
  return state;
}

/** So many elections a step at most: heartbeats must not wait for ten thousand. `dirty` tells what is left. */
const electionsPerStep = 400;

export function stepMember(
  state: MemberState,
  event: MemberEvent,
  now: number,
  addresses: Addresses,
): MemberEffect[] {
  const turn: Turn = { state, now, effects: [], elect: addresses.elect };
  noteLateness(turn, addresses);
  state.lastStep = now;
  take(turn, event, addresses);
  if (state.leaving) return turn.effects;
  elect(turn);
  serveOwn(turn);
  renewLeases(turn);
  sendPressing(turn);
  return turn.effects;
}

function take(turn: Turn, event: MemberEvent, addresses: Addresses): void {
  const { state } = turn;
  switch (event.kind) {
    case 'message':
      if (event.message.kind === 'beat') takeBeat(turn, event.message, addresses);
      else takeAck(turn, event.message, addresses);
      break;
    case 'tick':
      tick(turn, addresses);
      break;
    case 'nodes':
      state.nodes = event.nodes.toSorted();
      state.timing = timingFor(event.nodes.length);
      rejoin(turn);
      arrangePeers(turn, addresses);
      break;
    case 'ready':
      if (state.ready === event.ready) break;
      state.ready = event.ready;
      announceSelf(turn, addresses);
      break;
    case 'interfaces':
      state.interfaces = event.interfaces;
      announceSelf(turn, addresses);
      break;
    case 'touched':
      for (const key of event.keys) state.dirty.add(key);
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

const electAll = ({ state }: Turn, addresses: Addresses): void => {
  for (const key of addresses.keys()) state.dirty.add(key);
  for (const key of state.claims.keys()) state.dirty.add(key);
};

/** The others shall know before they wonder. */
function announceSelf(turn: Turn, addresses: Addresses): void {
  for (const name of turn.state.peers.keys()) turn.state.pressing.add(name);
  electAll(turn, addresses);
}

/**
 * A step that comes later than two heartbeats after the one before: this process was frozen or kept from the CPU. Alone
 * against one other it cannot know whether that has taken over meanwhile, and asks anew.
 */
function noteLateness(turn: Turn, addresses: Addresses): void {
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
  electAll(turn, addresses);
}

function tick(turn: Turn, addresses: Addresses): void {
  const { state, now } = turn;
  if (state.electorate === undefined) found(turn, addresses);
  if (noteSilence(turn)) {
    countVotes(turn);
    giveUpHopeless(turn);
    for (const name of state.bits.keys()) state.pressing.add(name);
    electAll(turn, addresses);
  }
  if (noteStability(turn)) electAll(turn, addresses);
  askAgain(turn);
  followElectorate(turn, addresses);
  if (now < state.nextBeat) return;
  state.nextBeat = Math.max(state.nextBeat + state.timing.beatMilliseconds, now);
  for (const peer of state.peers.values()) if (isDue(state, peer, now)) state.pressing.add(peer.name);
}

/** Where not everybody watches everybody, the others hear from this node once a second. */
const isDue = (state: MemberState, peer: Peer, now: number): boolean =>
  state.nodes.length <= fullMeshMembers || state.bits.has(peer.name) || now - peer.lastSent >= 1000;

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
  for (const [key, { askAt }] of state.heldBy) {
    if (askAt <= now) state.dirty.add(key);
    else state.retryAt = Math.min(state.retryAt, askAt);
  }
}

/** Elects for what is dirty, as far as this step goes. */
function elect(turn: Turn): void {
  const { state } = turn;
  let left = electionsPerStep;
  for (const key of state.dirty) {
    if (left-- === 0) return;
    state.dirty.delete(key);
    consider(turn, key);
  }
}

/**
 * Asks for what this node is elected for, unless somebody who lives is known to have it; gives up what another is
 * elected for, when that one may be given it back.
 */
function consider(turn: Turn, key: string): void {
  const { state, now } = turn;
  const claim = state.claims.get(key);
  const mayHaveItself = isReady(state);
  const mayHave = (name: string): boolean => (name === state.self ? mayHaveItself : isServing(state, name));
  const owner = turn.elect(key, mayHave);
  if (owner !== state.self) {
    state.heldBy.delete(key);
    if (claim !== undefined && !keeps(turn, claim, owner)) withdraw(turn, claim, owner);
    return;
  }
  if (claim !== undefined) return;
  const held = state.heldBy.get(key);
  if (held !== undefined && held.askAt > now) return;
  ask(turn, key);
}

const isReady = (state: MemberState): boolean =>
  state.ready === 'yes' ||
  (state.ready === 'alone' && ![...state.peers.keys()].some((name) => isServing(state, name)));

const isServing = (state: MemberState, name: string): boolean => {
  const peer = state.peers.get(name);
  return peer?.state === 'alive' && peer.ready;
};

/** What it has and may have, it keeps as long as the rules say, though another is wanted more. */
function keeps({ state, elect }: Turn, { key, granted }: Claim, owner: string | undefined): boolean {
  const mayHaveItself = isReady(state) && elect(key, (name) => name === state.self) === state.self;
  if (!mayHaveItself || owner === undefined || !isHeld(state, granted)) return false;
  if (state.rules.failback !== 'when-stable') return state.rules.failback === 'never';
  return state.peers.get(owner)?.isStable !== true;
}

function takeBeat(turn: Turn, beat: Beat, addresses: Addresses): void {
  const { state, effects, now } = turn;
  if (beat.to !== state.self) return;
  const hearing = hear(state, beat);
  if (hearing === 'overtaken') return;
  if (hearing !== 'newest' && hearing !== 'first') {
    effects.push({ kind: 'refused', cause: hearing, node: beat.from });
    if (hearing !== 'stale-start') return;
  }
  const peer = state.peers.get(beat.from);
  if (peer === undefined) return;
  if (hearing !== 'newest') {
    // Who is told of a later start of its own knows that its clock was set back, or that it has a twin.
    const toBootId = hearing === 'stale-start' ? peer.bootId : beat.bootId;
    sendAck(turn, { ...beat, bootId: toBootId }, noAnswer);
    return;
  }
  const before = { state: peer.state, wasReady: peer.ready, interfaces: peer.interfaces };
  if (beat.bootId !== peer.bootId) askAnew(turn, peer);
  takeNews(turn, peer, beat);
  const isOther =
    before.state !== peer.state || before.wasReady !== peer.ready || before.interfaces !== peer.interfaces;
  if (isOther) electAll(turn, addresses);
  if (beat.electorate !== undefined) hearElectorate(turn, beat.electorate, addresses);
  if (countVotes(turn)) electAll(turn, addresses);
  if (beat.leaving) {
    const session = state.watcher.sessions.get(beat.from);
    if (session !== undefined) endSession(state.watcher, session);
    return;
  }
  for (const key of beat.handed) {
    state.heldBy.delete(key);
    state.given.set(key, beat.from);
    state.dirty.add(key);
  }
  watch(turn, beat, now);
}

const noAnswer = { grants: false, session: 0, granted: [], refused: [], released: [] } as const;

/** What this node does as the sender's watcher. */
function watch(turn: Turn, beat: Beat, now: number): void {
  const { state } = turn;
  const { watcher } = state;
  const before = watcher.sessions.get(beat.from);
  if (beat.session === 0 && before?.bootId === beat.bootId && before.locks.size > 0)
    endSession(watcher, before);
  const session = keepSession(watcher, beat.from, beat.bootId, beat.patienceMilliseconds, now);
  const isCalledUpon = beat.session === session.id;
  if (isCalledUpon) for (const key of beat.releases) unlock(watcher, session, key);
  const released = isCalledUpon ? beat.releases : [];
  const grants =
    now >= watcher.grantsFrom && state.electorate !== undefined && beat.electorateDigest === state.digest;
  const given: string[] = [];
  const refusedKeys: Ack['refused'][number][] = [];
  for (const key of grants && isCalledUpon ? beat.asks : []) {
    const holder = lock(watcher, session, key, now);
    if (holder === undefined) given.push(key);
    else refusedKeys.push({ key, holder: holder.node, lapsesInMilliseconds: lapsesIn(holder, now) });
  }
  sendAck(turn, beat, { grants, session: session.id, granted: given, refused: refusedKeys, released });
}

function sendAck(
  { state, effects }: Turn,
  beat: Beat,
  answer: Pick<Ack, 'grants' | 'session' | 'granted' | 'refused' | 'released'>,
): void {
  const ack: Ack = {
    kind: 'ack',
    from: state.self,
    bootId: state.bootId,
    to: beat.from,
    toBootId: beat.bootId,
    sequence: beat.sequence,
    silent: silentTo(state),
    electorateDigest: state.digest,
    electorate: beat.electorateDigest === state.digest ? undefined : state.electorate,
    ...answer,
  };
  effects.push({ kind: 'send', message: ack });
}

function takeAck(turn: Turn, ack: Ack, addresses: Addresses): void {
  const { state } = turn;
  const peer = state.peers.get(ack.from);
  if (peer === undefined || ack.to !== state.self) return;
  if (ack.toBootId > state.bootId) turn.effects.push({ kind: 'outdated', bootId: ack.toBootId });
  if (ack.toBootId !== state.bootId) return;
  if (ack.bootId > peer.bootId) {
    askAnew(turn, peer);
    meetStart(peer, ack.bootId);
  }
  if (!isCurrent(state, peer, ack)) return;
  peer.acked = ack.sequence;
  peer.silent = ack.silent;
  peer.electorateDigest = ack.electorateDigest;
  if (ack.electorate !== undefined) hearElectorate(turn, ack.electorate, addresses);
  if (ack.session !== peer.session) {
    peer.session = ack.session;
    askAnew(turn, peer);
  }
  for (const key of ack.released) released(turn, peer, key);
  for (const key of ack.granted) granted(turn, peer, key);
  for (const refusal of ack.refused) refused(turn, peer, refusal);
  if (ack.grants && ack.electorateDigest === state.digest) {
    const slot = ack.sequence % peer.sentAt.length;
    const until = (peer.sentAt[slot] ?? 0) + (peer.sentLease[slot] ?? 0);
    peer.grantedUntil = Math.max(peer.grantedUntil, until);
  }
  if (countVotes(turn)) electAll(turn, addresses);
  if (peer.toAsk.size > 0 || peer.toRelease.size > 0) state.pressing.add(peer.name);
}

function sendPressing({ state, now, effects }: Turn): void {
  for (const name of state.pressing) {
    const peer = state.peers.get(name);
    if (peer !== undefined) effects.push({ kind: 'send', message: nextBeat(state, peer, now, false) });
  }
  state.pressing.clear();
}

/** As many addresses as fit one datagram of an Ethernet's size. */
const addressBytesPerBeat = 1000;

function takeFitting(keys: Iterable<string>, budget: { bytes: number }): string[] {
  const taken: string[] = [];
  for (const key of keys) {
    const size = key.includes(':') ? 17 : 5;
    if (budget.bytes < size) break;
    budget.bytes -= size;
    taken.push(key);
  }
  return taken;
}

function nextBeat(state: MemberState, peer: Peer, now: number, leaving: boolean): Beat {
  peer.sequence++;
  peer.lastSent = now;
  const slot = peer.sequence % peer.sentAt.length;
  peer.sentAt[slot] = now;
  peer.sentLease[slot] = state.timing.leaseMilliseconds;
  const budget = { bytes: addressBytesPerBeat };
  const isKnown = peer.session !== 0;
  const releases = isKnown ? takeFitting(peer.toRelease, budget) : [];
  const asks = isKnown ? takeFitting(peer.toAsk, budget) : [];
  const handed = takeFitting(peer.toHand, budget);
  for (const key of handed) peer.toHand.delete(key);
  return {
    kind: 'beat',
    from: state.self,
    bootId: state.bootId,
    to: peer.name,
    toBootId: peer.bootId,
    sequence: peer.sequence,
    patienceMilliseconds: state.timing.patienceMilliseconds,
    ready: state.ready === 'yes',
    leaving,
    interfaces: state.interfaces,
    silent: silentTo(state),
    electorateDigest: state.digest,
    electorate: peer.electorateDigest === state.digest ? undefined : state.electorate,
    session: peer.session,
    asks,
    releases,
    handed,
  };
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

/** Members and electors: all whom this node talks to. */
function arrangePeers(turn: Turn, addresses: Addresses): void {
  const { state } = turn;
  const names = new Set([...state.nodes, ...(state.electorate ?? []).flatMap(({ members }) => members)]);
  names.delete(state.self);
  for (const [name, peer] of state.peers) {
    if (names.has(name)) continue;
    state.peers.delete(name);
    state.departed.set(name, peer);
    if (peer.state === 'alive') turn.effects.push({ kind: 'dead', node: name, cause: 'left', votes: 0 });
    depart(state, peer);
    electAll(turn, addresses);
  }
  for (const name of names) {
    if (state.peers.has(name)) continue;
    const peer = state.departed.get(name) ?? newPeer(name);
    state.departed.delete(name);
    state.peers.set(name, peer);
    if (state.bits.has(name)) for (const key of state.claims.keys()) peer.toAsk.add(key);
  }
}

/** What a node alone agreed on with itself binds nobody: with others it listens for them first. */
function rejoin(turn: Turn): void {
  const { state, now } = turn;
  const isAlone = state.electorate?.length === 1 && newest(state.electorate).members.join() === state.self;
  if (!isAlone || state.nodes.length < 2) return;
  state.startedAt = now;
  state.electorate = undefined;
  state.digest = 0;
  assignBits(turn);
}

/** A node alone has nobody to wait for; others first listen for those that were there before. */
function found(turn: Turn, addresses: Addresses): void {
  const { state, now } = turn;
  const isAlone = state.nodes.length === 1 && state.nodes[0] === state.self;
  if (!isAlone && now - state.startedAt < state.timing.joinMilliseconds) return;
  if (!state.nodes.includes(state.self)) return;
  // What a node alone granted, it granted to itself.
  if (isAlone) state.watcher.grantsFrom = now;
  knowElectorate(turn, foundElectorate(state.nodes.slice(0, mostWatchers(state))));
  arrangePeers(turn, addresses);
}

function hearElectorate(turn: Turn, heard: Electorate, addresses: Addresses): void {
  const { state } = turn;
  const merged = state.electorate === undefined ? heard : mergeElectorates(state.electorate, heard);
  if (merged === state.electorate) return;
  knowElectorate(turn, merged);
  arrangePeers(turn, addresses);
}

function knowElectorate(turn: Turn, electorate: Electorate): void {
  const { state, effects } = turn;
  state.electorate = electorate;
  state.digest = electorateDigest(electorate);
  state.agreedSince = undefined;
  effects.push({ kind: 'electorate', electorate });
  assignBits(turn);
  for (const name of state.bits.keys()) state.pressing.add(name);
}

/**
 * Without a majority and without hope: so many electors are no nodes of the cluster any more, and are not heard, that the
 * others are none. Whoever took those nodes away has said that they are gone.
 */
function abandonLost(turn: Turn, addresses: Addresses): boolean {
  const { state, now } = turn;
  const { members, epoch } = newest(state.electorate ?? []);
  const isLost = (name: string): boolean => !state.nodes.includes(name) && isForgotten(state, name, now);
  const left = members.filter((name) => !isLost(name));
  if (left.length >= majorityOf({ members, epoch }) || left.some((name) => !state.nodes.includes(name)))
    return false;
  knowElectorate(turn, [{ epoch: epoch + 1, members: state.nodes.slice(0, mostWatchers(state)) }]);
  arrangePeers(turn, addresses);
  return true;
}

const mostWatchers = (state: MemberState): number =>
  state.nodes.length <= fullMeshMembers ? fullMeshMembers : chosenWatchers;

/** Drops the oldest configuration when nobody can use it alone any more, or proposes another where one is wanted. */
function followElectorate(turn: Turn, addresses: Addresses): void {
  const { state, now } = turn;
  const { electorate } = state;
  if (electorate === undefined || abandonLost(turn, addresses)) return;
  const [oldest] = electorate;
  if (oldest !== undefined && electorate.length > 1) {
    const agree = oldest.members.filter((name) => agrees(state, name, now)).length;
    if (agree < majorityOf(oldest)) state.agreedSince = undefined;
    else state.agreedSince ??= now;
    // Longer than any grant that was given before they agreed.
    const wait = 2 * (state.timing.patienceMilliseconds + state.timing.leaseMilliseconds);
    if (state.agreedSince === undefined || now - state.agreedSince < wait) return;
    knowElectorate(turn, electorate.slice(1));
    arrangePeers(turn, addresses);
    return;
  }
  propose(turn, addresses);
}

/** It has granted, not long ago, in full knowledge of what this node knows. */
const agrees = (state: MemberState, name: string, now: number): boolean => {
  if (name === state.self) return true;
  const peer = state.peers.get(name);
  return peer !== undefined && peer.electorateDigest === state.digest && peer.grantedUntil > now;
};

/** How long another configuration must be wanted: nodes come and go in groups. */
const wishMilliseconds = 500;

function propose(turn: Turn, addresses: Addresses): void {
  const { state, now } = turn;
  const current = newest(state.electorate ?? []);
  const alive = current.members.filter((name) => agrees(state, name, now));
  const mayPropose = alive.toSorted()[0] === state.self && alive.length >= majorityOf(current);
  const members = mayPropose
    ? wantedMembers(current, {
        self: state.self,
        nodes: state.nodes,
        isAlive: (name) => state.peers.get(name)?.state === 'alive',
        isForgotten: (name) => isForgotten(state, name, now),
        most: mostWatchers(state),
      })
    : current.members;
  const isWanted = mayPropose && (current.epoch === 0 || members.join() !== current.members.join());
  if (!isWanted) {
    state.wishedSince = undefined;
    return;
  }
  state.wishedSince ??= now;
  if (now - state.wishedSince < wishMilliseconds) return;
  state.wishedSince = undefined;
  knowElectorate(turn, extendElectorate(state.electorate ?? [], members));
  arrangePeers(turn, addresses);
}

const isForgotten = (state: MemberState, name: string, now: number): boolean => {
  const peer = state.peers.get(name);
  if (name === state.self || peer === undefined || peer.state === 'alive') return false;
  return now - Math.max(peer.lastHeard, state.startedAt) > state.timing.forgetMilliseconds;
};
