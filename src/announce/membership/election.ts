// Whether this node should have an address: it asks for what it is elected for, and gives up what another should have.
import { ask, withdraw } from './claims.ts';
import { isHeld } from './grants.ts';
import { hearsMajority } from './hearing.ts';
import type { Claim, MemberState, Turn } from './state.ts';
import { holderOf } from './watcher.ts';

/** All addresses are to be elected for again. */
export const electAnew = ({ state, addresses }: Turn): void => {
  state.standIns.clear();
  for (const key of addresses.keys()) state.dirty.add(key);
  for (const key of state.claims.keys()) state.dirty.add(key);
};

/** The node may not be elected any more: what it was elected for, or had, is elected for again. */
export function electWithout({ state }: Turn, node: string): void {
  for (const [key, elected] of state.elected) if (elected === node) state.dirty.add(key);
  for (const key of state.watcher.sessions.get(node)?.locks ?? []) state.dirty.add(key);
}

/** The node may be elected, or on other interfaces than before: what it is wanted for more is elected for again. */
export function electWith({ state, addresses }: Turn, node: string): void {
  for (const key of addresses.keys()) {
    const elected = state.elected.get(key);
    const isWanted =
      elected === undefined ||
      elected === node ||
      addresses.elect(key, (name) => name === node || name === elected) === node;
    if (isWanted) state.dirty.add(key);
  }
}

/** So many elections a step at most: heartbeats must not wait for ten thousand. `dirty` tells what is left. */
const electionsPerStep = 400;

/** Elects for what is dirty, as far as this step goes. */
export function elect(turn: Turn): void {
  const { state } = turn;
  const isCandidate = isReady(state);
  if (isCandidate !== state.wasCandidate) electAnew(turn);
  state.wasCandidate = isCandidate;
  for (const key of state.watcher.unsettled) state.dirty.add(key);
  state.watcher.unsettled.clear();
  let left = electionsPerStep;
  for (const key of state.dirty) {
    if (left-- === 0) return;
    state.dirty.delete(key);
    consider(turn, key, isCandidate);
  }
}

/**
 * Asks for what this node is elected for, unless somebody who lives is known to have it; gives up what another is
 * elected for, when that one may be given it back.
 */
function consider(turn: Turn, key: string, isCandidate: boolean): void {
  const { state, now } = turn;
  const claim = state.claims.get(key);
  const mayHave = (name: string): boolean => (name === state.self ? isCandidate : isServing(state, name));
  const owner = turn.addresses.elect(key, mayHave);
  if (owner === undefined) state.elected.delete(key);
  else state.elected.set(key, owner);
  if (owner !== state.self) {
    state.heldBy.delete(key);
    state.given.delete(key);
    if (claim !== undefined && isCandidate && keeps(turn, claim, owner)) return;
    if (claim !== undefined) withdraw(turn, claim, owner);
    standBy(turn, key, owner, mayHave);
    return;
  }
  state.standIns.delete(key);
  if (claim !== undefined) {
    yieldAsOrphan(turn, claim);
    return;
  }
  const held = state.heldBy.get(key);
  if (held !== undefined && held.askAt > now) return;
  ask(turn, key);
}

/**
 * What the elected one has not taken by then, the next elector takes: its agent may not know of the address yet, or be
 * dead.
 */
const standInMilliseconds = 1000;

function standBy(
  turn: Turn,
  key: string,
  owner: string | undefined,
  mayHave: (node: string) => boolean,
): void {
  const { state, now } = turn;
  // Only electors know what is locked.
  const isNext = (): boolean => {
    const among = (name: string): boolean => name !== owner && state.bits.has(name) && mayHave(name);
    return turn.addresses.elect(key, among) === state.self;
  };
  const holder = holderOf(state.watcher, key, now);
  // That a start of long ago lapses is no event, unlike the end of a session that lasts.
  const isPassing = holder !== undefined && state.watcher.sessions.get(holder.node) !== holder;
  if (!state.bits.has(state.self) || (holder !== undefined && !isPassing) || !isNext()) {
    state.standIns.delete(key);
    return;
  }
  const at = state.standIns.get(key);
  if (at === undefined || isPassing) {
    state.standIns.set(key, now + standInMilliseconds);
    state.retryAt = Math.min(state.retryAt, now + standInMilliseconds);
  } else if (at <= now) {
    state.standIns.delete(key);
    ask(turn, key, true);
  }
}

const isReady = (state: MemberState): boolean =>
  hearsMajority(state) &&
  (state.ready === 'yes' ||
    (state.ready === 'alone' && ![...state.peers.keys()].some((name) => isServing(state, name))));

const isServing = (state: MemberState, name: string): boolean => {
  const peer = state.peers.get(name);
  return peer?.state === 'alive' && peer.ready;
};

/** Asked for so long ago, it is wanted no more: who wants something asks again at least every two seconds. */
const wantedMilliseconds = 5000;

/**
 * What it has and may have, it keeps until the elected one asks for it, and then as long as the rules say. What it has
 * asked for as a stand-in, too.
 */
function keeps({ state, now, addresses }: Turn, claim: Claim, owner: string | undefined): boolean {
  const { key, granted, isStandIn } = claim;
  const mayHaveIt = addresses.elect(key, (name) => name === state.self) === state.self;
  if (!mayHaveIt || owner === undefined) return false;
  const wanted = state.wanted.get(key);
  const isWanted = wanted?.node === owner && now - wanted.at < wantedMilliseconds;
  if (!isHeld(state, granted)) return isStandIn && !isWanted;
  if (!isWanted) return true;
  if (state.rules.failback !== 'when-stable') return state.rules.failback === 'never';
  return state.peers.get(owner)?.isStable !== true;
}

/** Without its agent it knows no better than that it is elected; who asks for it, does. */
function yieldAsOrphan(turn: Turn, claim: Claim): void {
  const { state, now } = turn;
  const wanted = state.wanted.get(claim.key);
  if (!state.isOrphan || wanted === undefined || now - wanted.at >= wantedMilliseconds) return;
  if (isServing(state, wanted.node)) withdraw(turn, claim, wanted.node);
}
