// How the electorate comes to be and changes: founded, heard of, extended by who leads, shortened when all agree.
import { assignBits } from './claims.ts';
import { electAnew } from './election.ts';
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
import { depart, newPeer } from './hearing.ts';
import type { MemberState, Turn } from './state.ts';
import { chosenWatchers, fullMeshMembers } from './timing.ts';

/** Members and electors: all whom this node talks to. */
export function arrangePeers(turn: Turn): void {
  const { state } = turn;
  const names = new Set([...state.nodes, ...(state.electorate ?? []).flatMap(({ members }) => members)]);
  names.delete(state.self);
  for (const [name, peer] of state.peers) {
    if (names.has(name)) continue;
    state.peers.delete(name);
    state.departed.set(name, peer);
    if (peer.state === 'alive') turn.effects.push({ kind: 'dead', node: name, cause: 'left', votes: 0 });
    depart(state, peer);
    electAnew(turn);
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
export function rejoin(turn: Turn): void {
  const { state, now } = turn;
  const isAlone = state.electorate?.length === 1 && newest(state.electorate).members.join() === state.self;
  if (!isAlone || state.nodes.length < 2) return;
  state.startedAt = now;
  state.electorate = undefined;
  state.digest = 0;
  assignBits(turn);
}

/** A node alone has nobody to wait for; others first listen for those that were there before. */
export function found(turn: Turn): void {
  const { state, now } = turn;
  const isAlone = state.nodes.length === 1 && state.nodes[0] === state.self;
  if (!isAlone && now - state.startedAt < state.timing.joinMilliseconds) return;
  if (!state.nodes.includes(state.self)) return;
  // What a node alone granted, it granted to itself.
  if (isAlone) state.watcher.grantsFrom = now;
  knowElectorate(turn, foundElectorate(state.nodes.slice(0, mostWatchers(state))));
  arrangePeers(turn);
}

export function hearElectorate(turn: Turn, heard: Electorate): void {
  const { state } = turn;
  const merged = state.electorate === undefined ? heard : mergeElectorates(state.electorate, heard);
  if (merged === state.electorate) return;
  knowElectorate(turn, merged);
  arrangePeers(turn);
}

export function knowElectorate(turn: Turn, electorate: Electorate): void {
  const { state, effects } = turn;
  state.electorate = electorate;
  state.digest = electorateDigest(electorate);
  state.agreedSince = undefined;
  effects.push({ kind: 'electorate', electorate });
  assignBits(turn);
  // Who stands in is one of the electors.
  electAnew(turn);
  for (const name of state.bits.keys()) state.pressing.add(name);
}

/**
 * Without a majority and without hope: so many electors are no nodes of the cluster any more, and are not heard, that the
 * others are none. Whoever took those nodes away has said that they are gone.
 */
function abandonLost(turn: Turn): boolean {
  const { state, now } = turn;
  const { members, epoch } = newest(state.electorate ?? []);
  const isLost = (name: string): boolean => !state.nodes.includes(name) && isForgotten(state, name, now);
  const left = members.filter((name) => !isLost(name));
  if (left.length >= majorityOf({ members, epoch }) || left.some((name) => !state.nodes.includes(name)))
    return false;
  knowElectorate(turn, [{ epoch: epoch + 1, members: state.nodes.slice(0, mostWatchers(state)) }]);
  arrangePeers(turn);
  return true;
}

const mostWatchers = (state: MemberState): number =>
  state.nodes.length <= fullMeshMembers ? fullMeshMembers : chosenWatchers;

/** Drops the oldest configuration when nobody can use it alone any more, or proposes another where one is wanted. */
export function followElectorate(turn: Turn): void {
  const { state, now } = turn;
  const { electorate } = state;
  if (electorate === undefined || abandonLost(turn)) return;
  const [oldest] = electorate;
  if (oldest !== undefined && electorate.length > 1) {
    const agree = oldest.members.filter((name) => agrees(state, name, now)).length;
    if (agree < majorityOf(oldest)) state.agreedSince = undefined;
    else state.agreedSince ??= now;
    // Longer than any grant that was given before they agreed.
    const wait = 2 * (state.timing.patienceMilliseconds + state.timing.leaseMilliseconds);
    if (state.agreedSince === undefined || now - state.agreedSince < wait) return;
    knowElectorate(turn, electorate.slice(1));
    arrangePeers(turn);
    return;
  }
  propose(turn);
}

/** It has granted, not long ago, in full knowledge of what this node knows. */
const agrees = (state: MemberState, name: string, now: number): boolean => {
  if (name === state.self) return true;
  const peer = state.peers.get(name);
  return peer !== undefined && peer.electorateDigest === state.digest && peer.grantedUntil > now;
};

/** How long another configuration must be wanted: nodes come and go in groups. */
const wishMilliseconds = 500;

function propose(turn: Turn): void {
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
  arrangePeers(turn);
}

const isForgotten = (state: MemberState, name: string, now: number): boolean => {
  const peer = state.peers.get(name);
  if (name === state.self || peer === undefined || peer.state === 'alive') return false;
  return now - Math.max(peer.lastHeard, state.startedAt) > state.timing.forgetMilliseconds;
};
