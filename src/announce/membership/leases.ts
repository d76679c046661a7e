// Leases: what claims with the same watchers have in common, and the begin and end of speaking that follow from them.
import { bitOf, deadlineOf, goesAlone } from './grants.ts';
import type { Claim, Lease, MemberState, Turn } from './state.ts';

/** These watchers grant the claim from now on. */
export function setGranted(turn: Turn, claim: Claim, mask: number): void {
  const { state } = turn;
  claim.granted = mask;
  claim.lease?.claims.delete(claim.key);
  claim.lease = leaseOf(state, mask);
  claim.lease.claims.add(claim.key);
  judge(turn, claim);
  if (!claim.isSpeaking) claim.lease.hasNew = true;
}

function leaseOf(state: MemberState, mask: number): Lease {
  const found = state.leases.get(mask);
  if (found !== undefined) return found;
  const lease: Lease = {
    mask,
    deadline: deadlineOf(state, mask),
    isLive: false,
    hasNew: false,
    claims: new Set(),
  };
  state.leases.set(mask, lease);
  return lease;
}

/** Whether this node speaks for the address now. */
export function judge(turn: Turn, claim: Claim): void {
  const { state, now, effects } = turn;
  const isLive = claim.lease !== undefined && claim.lease.deadline > now;
  if (isLive === claim.isSpeaking) return;
  if (isLive && !mayBegin(state, claim)) return;
  if (isLive) {
    claim.isSpeaking = true;
    effects.push({ kind: 'speak', claim });
  } else silence(turn, claim, undefined);
}

/** Who goes on alone still begins only by the other's leave, or when that is silent. */
export function mayBegin(state: MemberState, claim: Claim): boolean {
  return (state.electorate ?? []).every((configuration) => {
    if (!goesAlone(state, configuration)) return true;
    return configuration.members.every(
      (name) =>
        name === state.self ||
        (claim.granted & bitOf(state, name)) !== 0 ||
        state.peers.get(name)?.state !== 'alive',
    );
  });
}

/** Moves the deadlines to where the grants are now; tells what begins or ends to be spoken for. */
export function renewLeases(turn: Turn): void {
  const { state, now } = turn;
  for (const lease of state.leases.values()) {
    if (lease.claims.size === 0) {
      state.leases.delete(lease.mask);
      continue;
    }
    const deadline = deadlineOf(state, lease.mask);
    if (lease.isLive && deadline > lease.deadline) noteSlack(state, lease.deadline - now);
    lease.deadline = deadline;
    const isLive = deadline > now;
    const isPending = isLive && (state.electorate ?? []).some((one) => goesAlone(state, one));
    if (isLive === lease.isLive && !isPending && !(isLive && lease.hasNew)) continue;
    if (lease.isLive && !isLive) state.counts.lapses++;
    lease.isLive = isLive;
    lease.hasNew = false;
    for (const key of [...lease.claims]) {
      const claim = state.claims.get(key);
      if (claim !== undefined) judge(turn, claim);
    }
  }
}

function noteSlack({ counts }: MemberState, milliseconds: number): void {
  if (milliseconds < counts.smallestSlackMilliseconds) counts.smallestSlackMilliseconds = milliseconds;
}

/** Speaks for it no more; in favour of `to`, if anybody. */
export function silence({ effects }: Turn, claim: Claim, to: string | undefined): void {
  if (!claim.isSpeaking) return;
  claim.isSpeaking = false;
  effects.push({ kind: 'silence', key: claim.key, to });
}
