// Whether this node should have an address: it asks for what it is elected for, and gives up what another should have.
import { ask, isHeld, withdraw } from './claims.ts';
import type { Claim, MemberState, Turn } from './state.ts';

/** All addresses are to be elected for again: who lives, or who may, is other than before. */
export const electAnew = ({ state, addresses }: Turn): void => {
  for (const key of addresses.keys()) state.dirty.add(key);
  for (const key of state.claims.keys()) state.dirty.add(key);
};

/** So many elections a step at most: heartbeats must not wait for ten thousand. `dirty` tells what is left. */
const electionsPerStep = 400;

/** Elects for what is dirty, as far as this step goes. */
export function elect(turn: Turn): void {
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
  const owner = turn.addresses.elect(key, mayHave);
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
function keeps({ state, addresses }: Turn, { key, granted }: Claim, owner: string | undefined): boolean {
  const mayHaveItself = isReady(state) && addresses.elect(key, (name) => name === state.self) === state.self;
  if (!mayHaveItself || owner === undefined || !isHeld(state, granted)) return false;
  if (state.rules.failback !== 'when-stable') return state.rules.failback === 'never';
  return state.peers.get(owner)?.isStable !== true;
}
