// What a routing protocol is to make of its BFD session (RFC 5882 §3.2, §4).
import type { BfdState } from './message.ts';

export interface JudgedSession {
  readonly state: BfdState;
  readonly remoteState: BfdState;
}

/** That somebody turned BFD off says nothing of the path (RFC 5882 §3.2). */
const isTurnedOff = ({ state, remoteState }: JudgedSession): boolean =>
  state === 'admin-down' || remoteState === 'admin-down';

/**
 * Whether a protocol may begin over the path. `isStrict`: not before BFD is up, or turned off
 * (draft-ietf-idr-bgp-bfd-strict-mode §4); else BFD that is not up yet hinders nothing, since the peer may have none.
 */
export const mayBegin = (session: JudgedSession, isStrict: boolean): boolean =>
  !isStrict || session.state === 'up' || isTurnedOff(session);

/** Whether the path has failed between two reports, so that what runs over it ends (Cease/BFD Down, RFC 9384). */
export const hasFailed = (before: JudgedSession, after: JudgedSession): boolean =>
  before.state === 'up' && after.state !== 'up' && !isTurnedOff(after);
