// Why an address has come to this node, and from whom: for the log, the status and "why this node?".
import type { Claim, MemberState } from '../announce/membership/state.ts';
import type { Origin } from './elections.ts';

/**
 * Of a claim that begins to be spoken for. `mayHave` tells whether the node may have the address at all; `now` is the
 * member's clock, `since` the time of day, both in milliseconds.
 */
export function originOf(
  { from, isGiven, isStandIn }: Claim,
  member: MemberState,
  mayHave: (node: string) => boolean,
  now: number,
  since: number,
): Origin {
  const before = from === undefined || from === member.self ? undefined : member.peers.get(from);
  if (isGiven) {
    const isBack = before?.state === 'alive' && before.ready && mayHave(before.name);
    return { cause: isBack ? 'failback' : 'handover', from, since };
  }
  if (before?.state === 'silent' || before?.state === 'dead') {
    return { cause: 'takeover', from, since, silenceMilliseconds: Math.round(now - before.lastHeard) };
  }
  return { cause: isStandIn ? 'stand-in' : 'elected', from, since };
}
