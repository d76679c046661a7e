// Heartbeats and their answers: what is read out of one, and what is written into the next.
import { askAnew, granted, lapsesIn, noteWanted, refused, released } from './claims.ts';
import { electWith, electWithout } from './election.ts';
import {
  countVotes,
  hear,
  hearsMajority,
  isCurrent,
  meetStart,
  silentTo,
  takeNews,
  takeSignOfLife,
} from './hearing.ts';
import { hearElectorate } from './reconfigure.ts';
import type { Ack, Beat, MemberState, Peer, Turn, Wanted } from './state.ts';
import { endSession, keepSession, lock, type Session, unlock } from './watcher.ts';

export function takeBeat(turn: Turn, beat: Beat): void {
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
  if (isOther) {
    electWithout(turn, peer.name);
    if (peer.state === 'alive' && peer.ready) electWith(turn, peer.name);
  }
  if (beat.electorate !== undefined) hearElectorate(turn, beat.electorate);
  for (const node of countVotes(turn)) electWithout(turn, node);
  if (beat.leaving) {
    const session = state.watcher.sessions.get(beat.from);
    for (const key of session?.locks ?? []) state.given.set(key, beat.from);
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

const noAnswer = { grants: false, session: 0, granted: [], refused: [], released: [], wanted: [] } as const;

/** What this node does as the sender's watcher. */
function watch(turn: Turn, beat: Beat, now: number): void {
  const { state } = turn;
  const { watcher } = state;
  const before = watcher.sessions.get(beat.from);
  if (beat.session === 0 && before?.bootId === beat.bootId && before.locks.size > 0)
    endSession(watcher, before);
  const session = keepSession(watcher, beat.from, beat.bootId, beat.patienceMilliseconds, now);
  const isCalledUpon = beat.session === session.id;
  for (const key of isCalledUpon ? beat.releases : []) {
    if (!session.locks.has(key)) continue;
    unlock(watcher, session, key);
    state.given.set(key, beat.from);
    state.dirty.add(key);
  }
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
  sendAck(turn, beat, {
    grants,
    session: session.id,
    granted: given,
    refused: refusedKeys,
    released,
    wanted: takeWanted(session),
  });
}

/** Who wants it asks again, so what is lost on the way is told again. */
function takeWanted(session: Session): Wanted[] {
  const keys = takeFitting(session.wanted.keys(), { bytes: mostAddressBytes / 2 });
  const wanted = keys.map((key) => ({ key, node: session.wanted.get(key) ?? '' }));
  for (const key of keys) session.wanted.delete(key);
  return wanted;
}

function sendAck(
  { state, effects }: Turn,
  beat: Beat,
  answer: Pick<Ack, 'grants' | 'session' | 'granted' | 'refused' | 'released' | 'wanted'>,
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

export function takeAck(turn: Turn, ack: Ack): void {
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
  if (takeSignOfLife(turn, peer)) electWith(turn, peer.name);
  // In a session the heartbeat was taken whole.
  if (ack.session !== 0 && ack.sequence >= peer.toldAt) peer.hasInterfaces = true;
  peer.silent = ack.silent;
  peer.electorateDigest = ack.electorateDigest;
  if (ack.electorate !== undefined) hearElectorate(turn, ack.electorate);
  const isNewSession = ack.session !== peer.session;
  if (isNewSession) {
    peer.session = ack.session;
    askAnew(turn, peer);
  }
  for (const key of ack.released) released(turn, peer, key, ack.sequence);
  for (const [key, sequence] of peer.releasedIn) {
    if (sequence > ack.sequence) break;
    peer.releasedIn.delete(key);
  }
  for (const key of ack.granted) granted(turn, peer, key, ack.sequence);
  for (const refusal of ack.refused) refused(turn, peer, refusal);
  for (const { key, node } of ack.wanted) noteWanted(turn, key, node);
  if (ack.grants && ack.electorateDigest === state.digest) {
    const slot = ack.sequence % peer.sentAt.length;
    const until = (peer.sentAt[slot] ?? 0) + (peer.sentLease[slot] ?? 0);
    peer.grantedUntil = Math.max(peer.grantedUntil, until);
  }
  for (const node of countVotes(turn)) electWithout(turn, node);
  // The rest follows at once, if the watcher does what it is asked; otherwise with the next heartbeat.
  const hasServed = ack.granted.length + ack.refused.length + ack.released.length > 0;
  const isLeft = peer.toAsk.size > 0 || peer.toRelease.size > 0;
  if (isLeft && (isNewSession || hasServed)) state.pressing.add(peer.name);
}

export function sendPressing({ state, now, effects }: Turn): void {
  for (const name of state.pressing) {
    const peer = state.peers.get(name);
    if (peer !== undefined) effects.push({ kind: 'send', message: nextBeat(state, peer, now, false) });
  }
  state.pressing.clear();
}

/** Until the peer has answered a heartbeat that told of them. */
function interfacesFor(state: MemberState, peer: Peer): Beat['interfaces'] {
  if (peer.toldInterfaces !== state.interfaces) {
    peer.toldInterfaces = state.interfaces;
    peer.toldAt = peer.sequence;
    peer.hasInterfaces = false;
  }
  return peer.hasInterfaces ? undefined : state.interfaces;
}

/** So many addresses' bytes fit one datagram of an Ethernet's size. */
const mostAddressBytes = 1000;

function takeFitting(keys: Iterable<string>, budget: { bytes: number }): string[] {
  const taken: string[] = [];
  for (const key of keys) {
    const size = (key.includes(':') ? 17 : 5) + (key.includes('#') ? 1 : 0);
    if (budget.bytes < size) break;
    budget.bytes -= size;
    taken.push(key);
  }
  return taken;
}

export function nextBeat(state: MemberState, peer: Peer, now: number, leaving: boolean): Beat {
  peer.sequence++;
  peer.lastSent = now;
  const slot = peer.sequence % peer.sentAt.length;
  peer.sentAt[slot] = now;
  peer.sentLease[slot] = state.timing.leaseMilliseconds;
  const interfaces = interfacesFor(state, peer);
  const budget = { bytes: state.rules.addressBytes ?? mostAddressBytes };
  const isKnown = peer.session !== 0;
  const releases = isKnown ? takeFitting(peer.toRelease.keys(), budget) : [];
  const asks = isKnown ? takeFitting(peer.toAsk, budget) : [];
  const handed = takeFitting(peer.toHand, budget);
  for (const key of handed) peer.toHand.delete(key);
  for (const key of releases) {
    peer.releasedIn.delete(key);
    peer.releasedIn.set(key, peer.sequence);
  }
  return {
    kind: 'beat',
    from: state.self,
    bootId: state.bootId,
    to: peer.name,
    toBootId: peer.bootId,
    sequence: peer.sequence,
    patienceMilliseconds: state.timing.patienceMilliseconds,
    ready: state.ready === 'yes' && hearsMajority(state),
    leaving,
    interfaces,
    silent: silentTo(state),
    electorateDigest: state.digest,
    electorate: peer.electorateDigest === state.digest ? undefined : state.electorate,
    session: peer.session,
    asks,
    releases,
    handed,
  };
}
