// What this node has and wants: it asks watchers for addresses, hears who grants and who refuses, and gives up.
import { electors, majorityOf } from './electorate.ts';
import { bitOf, deadlineOf, goesAlone, isHeld } from './grants.ts';
import { judge, mayBegin, setGranted, silence } from './leases.ts';
import { heldOtherwise } from './past-holders.ts';
import type { Claim, MemberState, Peer, Refusal, Turn } from './state.ts';
import { type isLapsed, lock, unlock } from './watcher.ts';

/** As a watcher of this node's claims: another member, or this node itself. */
const watcherNamed = (state: MemberState, name: string): Peer | undefined =>
  name === state.self ? state.own : state.peers.get(name);

/** Asks every watcher for the address. */
export function ask({ state }: Turn, key: string, isStandIn = false): void {
  const giver = state.given.get(key);
  const claim: Claim = {
    key,
    granted: 0,
    refused: 0,
    lease: undefined,
    isSpeaking: false,
    from: giver ?? state.watcher.past.last.get(key),
    isGiven: giver !== undefined,
    otherwise: heldOtherwise(state.watcher.past, key),
    isStandIn,
    tries: giver === undefined ? (state.heldBy.get(key)?.tries ?? 0) : 0,
  };
  state.given.delete(key);
  state.claims.set(key, claim);
  state.heldBy.delete(key);
  for (const name of state.bits.keys()) {
    watcherNamed(state, name)?.toAsk.add(key);
    state.pressing.add(name);
  }
}

/**
 * Gives the address up: silent first, then released by every watcher. In favour of `to`, if anybody, who is told as soon
 * as they have.
 */
export function withdraw(turn: Turn, claim: Claim, to: string | undefined): void {
  const { state } = turn;
  const { key } = claim;
  silence(turn, claim, to);
  claim.lease?.claims.delete(key);
  state.claims.delete(key);
  state.wanted.delete(key);
  let waiting = 0;
  for (const name of state.bits.keys()) {
    const watcher = watcherNamed(state, name);
    if (watcher === undefined) continue;
    watcher.toAsk.delete(key);
    watcher.again.delete(key);
    // One that refuses may be about to grant what it was asked for since.
    watcher.toRelease.set(key, watcher.sequence);
    state.pressing.add(name);
    if (watcher.state === 'alive') waiting |= bitOf(state, name);
  }
  if (to !== undefined && to !== state.self) state.handOvers.set(key, { to, waiting });
}

/** This node's own watcher answers at once. */
export function serveOwn(turn: Turn): void {
  const { state, now } = turn;
  const { own, watcher } = state;
  const session = watcher.sessions.get(state.self);
  if (session === undefined) return;
  for (const [key, node] of session.wanted) noteWanted(turn, key, node);
  session.wanted.clear();
  for (const key of own.toRelease.keys()) {
    unlock(watcher, session, key);
    released(turn, own, key, own.sequence + 1);
    state.dirty.add(key);
  }
  if (now < watcher.grantsFrom) return;
  for (const key of [...own.toAsk]) {
    const claim = state.claims.get(key);
    // Who could go on alone lets the other one have its say first, that would be refused otherwise.
    if (claim !== undefined && !mayBegin(state, claim)) continue;
    const holder = lock(watcher, session, key, now);
    if (holder === undefined) granted(turn, own, key, own.sequence);
    else refused(turn, own, { key, holder: holder.node, lapsesInMilliseconds: lapsesIn(holder, now) });
  }
}

/** At most what fits a byte. */
export const lapsesIn = (holder: Parameters<typeof isLapsed>[0], now: number): number =>
  Math.min(255, Math.max(0, Math.ceil(holder.lastHeard + holder.patienceMilliseconds - now)));

/** In answer to the heartbeat of this number: it counts for nothing where a release goes with a later one. */
export function granted(turn: Turn, watcher: Peer, key: string, sequence: number): void {
  const claim = turn.state.claims.get(key);
  if (claim === undefined || watcher.toRelease.has(key)) return;
  if ((watcher.releasedIn.get(key) ?? 0) > sequence) return;
  watcher.toAsk.delete(key);
  watcher.again.delete(key);
  claim.refused &= ~bitOf(turn.state, watcher.name);
  setGranted(turn, claim, claim.granted | bitOf(turn.state, watcher.name));
}

/** How long it takes a release to get to a watcher, more or less. */
const releaseMilliseconds = 10;

/**
 * Refused for one who lives, it counts; for one who is silent to us too, it is asked for again when that one's session
 * lapses there, and for one who is giving it up, as soon as that has had the time.
 */
export function refused(turn: Turn, watcher: Peer, { key, holder, lapsesInMilliseconds }: Refusal): void {
  const { state, now } = turn;
  const claim = state.claims.get(key);
  if (claim === undefined || !watcher.toAsk.delete(key)) return;
  const holderState = state.peers.get(holder)?.state;
  const isGone = holderState === 'silent' || holderState === 'dead';
  // A watcher that heard it later than we did by more than a heartbeat or two hears it still.
  const isLapsing = isGone && lapsesInMilliseconds <= 2 * state.timing.beatMilliseconds;
  const isReleasing = holderState === 'alive' && state.peers.get(holder)?.ready === false;
  if (isReleasing) {
    watcher.again.set(key, now + releaseMilliseconds);
    return;
  }
  // What a start of ours before this one had lapses too.
  if (isLapsing || holder === state.self) {
    watcher.again.set(key, now + lapsesInMilliseconds + 1);
    return;
  }
  claim.refused |= bitOf(state, watcher.name);
  const { electorate = [] } = state;
  if (electorate.some((one) => goesAlone(state, one)) && holder === watcher.name) {
    if (claim.isSpeaking) meetRival(turn, claim, holder);
    else giveUp(turn, claim, holder);
    return;
  }
  if (!mayYetBeHeld(state, claim)) giveUp(turn, claim, holder);
}

/** Another asked for what this node has: it may be given it. */
export function noteWanted({ state, now }: Turn, key: string, node: string): void {
  if (node === state.self || !state.claims.has(key)) return;
  state.wanted.set(key, { node, at: now });
  state.dirty.add(key);
}

/** Enough watchers have granted it, or live and may yet. */
const mayYetBeHeld = (state: MemberState, claim: Claim): boolean =>
  (state.electorate ?? []).every((configuration) => {
    const hopes = configuration.members.filter((name) => {
      const bit = bitOf(state, name);
      if ((claim.granted & bit) !== 0) return true;
      return (claim.refused & bit) === 0 && watcherNamed(state, name)?.state === 'alive';
    });
    return hopes.length >= majorityOf(configuration);
  });

/** Fewer watchers live: what some refuse and the others are too few for is left to whoever can have it. */
export function giveUpHopeless(turn: Turn): void {
  const { state } = turn;
  for (const claim of [...state.claims.values()]) {
    if (claim.refused === 0 || isHeld(state, claim.granted) || mayYetBeHeld(state, claim)) continue;
    giveUp(turn, claim, state.self);
  }
}

/** Two that went on alone meet again: the one that is wanted less yields at once. */
function meetRival(turn: Turn, claim: Claim, node: string): void {
  const { state, effects } = turn;
  const yields = turn.addresses.elect(claim.key, (name) => name === node || name === state.self) === node;
  state.counts.conflicts++;
  effects.push({ kind: 'conflict', key: claim.key, node, yields });
  if (yields) giveUp(turn, claim, node);
  else state.peers.get(node)?.again.set(claim.key, turn.now + state.timing.beatMilliseconds);
}

/** Two seconds between two of them. */
const mostTries = 3;

/** Somebody else has it. Nodes ask again at different times, so that two do not stand in each other's way for ever. */
function giveUp(turn: Turn, claim: Claim, holder: string): void {
  const { state, now } = turn;
  withdraw(turn, claim, undefined);
  const stagger = 37 * (Math.max(0, state.nodes.indexOf(state.self)) % 8);
  // A stand-in looks by then whether anybody has it.
  const tries = claim.isStandIn ? mostTries : claim.tries;
  const askAt = now + 250 * 2 ** Math.min(mostTries, tries) + stagger;
  if (claim.isStandIn) state.standIns.set(claim.key, askAt);
  else state.heldBy.set(claim.key, { node: holder, askAt, tries: tries + 1 });
  state.retryAt = Math.min(state.retryAt, askAt);
}

/** In answer to the heartbeat of this number, which may be older than the last release. */
export function released({ state }: Turn, watcher: Peer, key: string, sequence: number): void {
  if ((watcher.toRelease.get(key) ?? 0) >= sequence) return;
  watcher.toRelease.delete(key);
  noLongerWaits(state, key, bitOf(state, watcher.name));
}

/** Tells who it is handed over to, once no living watcher holds it for us. */
function noLongerWaits(state: MemberState, key: string, bit: number): void {
  const handOver = state.handOvers.get(key);
  if (handOver === undefined) return;
  handOver.waiting &= ~bit;
  if (handOver.waiting !== 0) return;
  state.handOvers.delete(key);
  state.peers.get(handOver.to)?.toHand.add(key);
  state.pressing.add(handOver.to);
}

/** The watcher does not answer any more: nothing waits for it. */
export function forgetWaiting(state: MemberState, watcher: string): void {
  for (const key of [...state.handOvers.keys()]) noLongerWaits(state, key, bitOf(state, watcher));
}

/** The watcher knows nothing of what it granted: it is asked for everything anew. */
export function askAnew(turn: Turn, watcher: Peer): void {
  const { state } = turn;
  const bit = bitOf(state, watcher.name);
  for (const key of [...watcher.toRelease.keys()]) released(turn, watcher, key, Number.POSITIVE_INFINITY);
  watcher.again.clear();
  watcher.toAsk.clear();
  for (const claim of state.claims.values()) {
    claim.refused &= ~bit;
    if ((claim.granted & bit) !== 0) setGranted(turn, claim, claim.granted & ~bit);
    if (bit !== 0) watcher.toAsk.add(claim.key);
  }
}

/** Gives the electors their bits; who is none any more has granted nothing. */
export function assignBits(turn: Turn): void {
  const { state } = turn;
  const names = electors(state.electorate ?? []);
  let gone = 0;
  for (const [name, bit] of state.bits) {
    if (names.includes(name)) continue;
    gone |= 1 << bit;
    forgetWaiting(state, name);
    state.bits.delete(name);
    releaseAll(state, watcherNamed(state, name), 1 << bit);
  }
  const used = new Set(state.bits.values());
  for (const name of names) {
    if (state.bits.has(name)) continue;
    let bit = 0;
    while (used.has(bit)) bit++;
    used.add(bit);
    state.bits.set(name, bit);
    const watcher = watcherNamed(state, name);
    for (const key of state.claims.keys()) watcher?.toAsk.add(key);
  }
  if (gone !== 0) {
    for (const claim of state.claims.values()) {
      claim.refused &= ~gone;
      if ((claim.granted & gone) !== 0) setGranted(turn, claim, claim.granted & ~gone);
    }
  }
  // Another electorate asks for other majorities of the same grants.
  for (const lease of state.leases.values()) {
    lease.deadline = deadlineOf(state, lease.mask);
    lease.isLive = lease.deadline > turn.now;
  }
  for (const claim of [...state.claims.values()]) judge(turn, claim);
}

/** It is asked no more, but may be one day: until then nothing is to be left locked there. */
function releaseAll(state: MemberState, watcher: Peer | undefined, bit: number): void {
  if (watcher === undefined) return;
  for (const key of watcher.toAsk) watcher.toRelease.set(key, watcher.sequence);
  for (const claim of state.claims.values())
    if ((claim.granted & bit) !== 0) watcher.toRelease.set(claim.key, watcher.sequence);
  watcher.toAsk.clear();
  watcher.again.clear();
}
