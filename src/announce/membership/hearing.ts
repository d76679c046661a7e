// Who is heard: whose messages are believed, who falls silent, and who is dead by the votes of those that watch.
import { sameInterfaces } from '../layer2/interfaces.ts';
import { forgetWaiting } from './claims.ts';
import { majorityOf, newest } from './electorate.ts';
import { goesAlone } from './grants.ts';
import type { Ack, Beat, MemberState, Peer, RefusedCause, Turn } from './state.ts';
import { fullMeshMembers } from './timing.ts';

/** Of so many heartbeats to a watcher it is known when they were sent. */
const sentRing = 64;

export const newPeer = (name: string): Peer => ({
  name,
  state: 'unknown',
  bootId: 0n,
  newest: 0,
  heard: 0n,
  lastHeard: Number.NEGATIVE_INFINITY,
  patienceMilliseconds: 0,
  ready: false,
  readySince: Number.POSITIVE_INFINITY,
  isStable: false,
  interfaces: [],
  silent: [],
  electorateDigest: 0,
  sequence: 0,
  sentAt: Array.from({ length: sentRing }, () => Number.NEGATIVE_INFINITY),
  sentLease: Array.from({ length: sentRing }, () => 0),
  lastSent: Number.NEGATIVE_INFINITY,
  acked: 0,
  session: 0,
  toldInterfaces: undefined,
  toldAt: 0,
  hasInterfaces: false,
  grantedUntil: Number.NEGATIVE_INFINITY,
  toAsk: new Set(),
  toRelease: new Map(),
  releasedIn: new Map(),
  toHand: new Set(),
  again: new Map(),
});

/** How far behind the newest a heartbeat may be and still be one that was never heard. */
const replayWindow = 64;

/**
 * `first`: it does not know this start of ours yet, so it may be an old one sent again; the answer tells it. `overtaken`:
 * a newer one was heard, so it says nothing new. Otherwise why it is not believed.
 */
export type Hearing = 'newest' | 'first' | 'overtaken' | RefusedCause;

/** Starts grow with time (they begin with the clock), so one that is less is an old one, or a twin. */
export function hear(state: MemberState, beat: Beat): Hearing {
  if (beat.from === state.self) return 'own-name';
  const peer = state.peers.get(beat.from);
  if (peer === undefined) return 'unknown-node';
  if (beat.bootId < peer.bootId) return 'stale-start';
  if (beat.toBootId !== state.bootId) return 'first';
  if (beat.bootId > peer.bootId) return 'newest';
  if (beat.sequence > peer.newest) return 'newest';
  const behind = peer.newest - beat.sequence;
  if (behind >= replayWindow || ((peer.heard >> BigInt(behind)) & 1n) === 1n) return 'replayed';
  peer.heard |= 1n << BigInt(behind);
  return 'overtaken';
}

/** Takes what the newest heartbeat says of its sender. */
export function takeNews(turn: Turn, peer: Peer, beat: Beat): void {
  const { now, effects } = turn;
  const ahead = beat.sequence - peer.newest;
  const isNewStart = beat.bootId !== peer.bootId;
  peer.heard =
    isNewStart || ahead >= replayWindow ? 1n : BigInt.asUintN(replayWindow, peer.heard << BigInt(ahead)) | 1n;
  if (isNewStart) meetStart(peer, beat.bootId);
  peer.newest = beat.sequence;
  peer.lastHeard = now;
  peer.patienceMilliseconds = beat.patienceMilliseconds;
  const hearsTheSame = peer.silent.join() === beat.silent.join();
  peer.silent = beat.silent;
  peer.electorateDigest = beat.electorateDigest;
  const wasReady = peer.ready && peer.state === 'alive';
  const hasMoved = beat.interfaces !== undefined && !sameInterfaces(peer.interfaces, beat.interfaces);
  const isChanged = peer.ready !== beat.ready || hasMoved;
  if (hasMoved) peer.interfaces = beat.interfaces;
  peer.ready = beat.ready;
  if (beat.leaving) {
    if (peer.state === 'dead') return;
    fallSilent(turn.state, peer, 'dead');
    effects.push({ kind: 'dead', node: peer.name, cause: 'left', votes: 1 });
    return;
  }
  if (!beat.ready || !wasReady) {
    peer.readySince = beat.ready ? now : Number.POSITIVE_INFINITY;
    peer.isStable = false;
  }
  if (peer.state !== 'alive') {
    peer.state = 'alive';
    effects.push({ kind: 'alive', node: peer.name });
  } else if (isChanged || !hearsTheSame) effects.push({ kind: 'changed', node: peer.name });
}

/** An answer is a sign of life too: electors beat seldom to those that they only watch. */
export function takeSignOfLife({ now, effects }: Turn, peer: Peer): boolean {
  peer.lastHeard = now;
  if (peer.state !== 'silent' && peer.state !== 'dead') return false;
  peer.state = 'alive';
  peer.readySince = peer.ready ? now : Number.POSITIVE_INFINITY;
  effects.push({ kind: 'alive', node: peer.name });
  return true;
}

/** Another start of the peer: it has heard nothing of ours, and grants nothing. */
export function meetStart(peer: Peer, bootId: bigint): void {
  peer.bootId = bootId;
  peer.newest = 0;
  peer.heard = 0n;
  peer.acked = 0;
  peer.grantedUntil = Number.NEGATIVE_INFINITY;
  peer.electorateDigest = 0;
  peer.session = 0;
  peer.hasInterfaces = false;
}

/** Every other node beats to this one all the time; otherwise those that do not watch each other beat now and then. */
export const hearsAll = (state: MemberState): boolean =>
  state.nodes.length <= fullMeshMembers || state.bits.has(state.self);

/** Between those that do not watch each other: three may be lost. The electors tell of deaths at once. */
export const slowBeatMilliseconds = 3000;
const slowPatienceMilliseconds = 10_500;

const patienceWith = (state: MemberState, peer: Peer): number =>
  hearsAll(state) || state.bits.has(peer.name) ? peer.patienceMilliseconds : slowPatienceMilliseconds;

/** Who was not heard for its patience is silent. Returns those that were not before. */
export function noteSilence(turn: Turn): string[] {
  const { state, now, effects } = turn;
  const silent: string[] = [];
  for (const peer of state.peers.values()) {
    if (peer.state !== 'alive' || now - peer.lastHeard <= patienceWith(state, peer)) continue;
    fallSilent(state, peer, 'silent');
    effects.push({ kind: 'silent', node: peer.name });
    silent.push(peer.name);
  }
  return silent;
}

/** It is no member any more: what it granted is forgotten, how far its messages and ours were numbered is not. */
export function depart(state: MemberState, peer: Peer): void {
  fallSilent(state, peer, 'dead');
  peer.state = 'unknown';
  peer.grantedUntil = Number.NEGATIVE_INFINITY;
  peer.session = 0;
  for (const set of [peer.toAsk, peer.toRelease, peer.toHand, peer.again]) set.clear();
}

/** Nothing is expected of it any more, and what it had may be asked for. */
function fallSilent(state: MemberState, peer: Peer, how: 'silent' | 'dead'): void {
  peer.state = how;
  peer.readySince = Number.POSITIVE_INFINITY;
  peer.isStable = false;
  forgetWaiting(state, peer.name);
  for (const [key, { node }] of state.heldBy) {
    if (node !== peer.name) continue;
    state.heldBy.delete(key);
    state.dirty.add(key);
  }
}

/** Who has been ready for long enough is stable. Returns whether anybody is who was not before. */
export function noteStability({ state, now }: Turn): boolean {
  let isNew = false;
  for (const peer of state.peers.values()) {
    if (peer.isStable || now - peer.readySince < state.timing.stableMilliseconds) continue;
    peer.isStable = true;
    isNew = true;
  }
  return isNew;
}

/**
 * Who is silent to us is dead when so many watchers say so that the rest of them, with it, are no majority: then it
 * cannot speak, and no one-sided cut is taken for a death. Returns those that were not dead before.
 */
export function countVotes({ state, effects }: Turn): string[] {
  if (state.electorate === undefined) return [];
  const { members } = newest(state.electorate);
  const dead: string[] = [];
  for (const name of suspects(state, members)) {
    const peer = state.peers.get(name);
    if (peer === undefined || (peer.state !== 'silent' && peer.state !== 'alive')) continue;
    const voters = members.filter((voter) => voter !== name);
    const votes = voters.filter((voter) => hasVoted(state, voter, name)).length;
    if (votes < Math.floor(voters.length / 2) + 1) continue;
    fallSilent(state, peer, 'dead');
    effects.push({ kind: 'dead', node: name, cause: 'silent', votes });
    dead.push(name);
  }
  return dead;
}

/** Who is silent to us; where we do not hear all others all the time, also who is silent to a living elector. */
function suspects(state: MemberState, members: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const peer of state.peers.values()) if (peer.state === 'silent') names.add(peer.name);
  if (hearsAll(state)) return names;
  for (const member of members) {
    const elector = state.peers.get(member);
    if (elector?.state === 'alive') for (const name of elector.silent) names.add(name);
  }
  return names;
}

/**
 * Enough electors for this node to speak at all. One that hears too few, though they may hear it, gives up what it has
 * and lets the others know.
 */
export const hearsMajority = (state: MemberState): boolean =>
  (state.electorate ?? []).every((configuration) => {
    const heard = configuration.members.filter(
      (name) => name === state.self || state.peers.get(name)?.state === 'alive',
    );
    return goesAlone(state, configuration) || heard.length >= majorityOf(configuration);
  });

/** It tells that it does not hear the node any more. */
export const hasVoted = (state: MemberState, voter: string, node: string): boolean => {
  if (voter === state.self) return state.peers.get(node)?.state !== 'alive';
  const peer = state.peers.get(voter);
  return peer?.state === 'alive' && peer.silent.includes(node);
};

/** Whom this node has heard and hears no more. */
export const silentTo = (state: MemberState): string[] =>
  [...state.peers.values()]
    .filter((peer) => peer.state === 'silent' || peer.state === 'dead')
    .map(({ name }) => name);

/** This node was late itself: what others sent meanwhile waits in its sockets. */
export function excusePeers(state: MemberState, lateMilliseconds: number): void {
  for (const peer of state.peers.values()) peer.lastHeard += lateMilliseconds;
}

/**
 * An answer is taken once, in order, and only from the start that we know, to the start that we are; and while it is
 * still known when the heartbeat was sent that it answers.
 */
export function isCurrent(state: MemberState, peer: Peer, ack: Ack): boolean {
  return (
    ack.to === state.self &&
    ack.toBootId === state.bootId &&
    ack.bootId === peer.bootId &&
    ack.sequence > peer.acked &&
    ack.sequence <= peer.sequence &&
    ack.sequence > peer.sequence - sentRing
  );
}
