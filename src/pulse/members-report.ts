// Who hears whom, as the pulse tells its listeners: for `gantry members`, the reports and the metrics.
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import { hearsMajority } from '../announce/membership/hearing.ts';
import type { MemberState, Peer } from '../announce/membership/state.ts';
import type { FromPulse, LinkMember, LinkMemberState } from './link.ts';

export interface MembersParts {
  readonly self: string | undefined;
  readonly members: readonly LinkMember[];
  /** Undefined while this node cannot hear the others. */
  readonly member: MemberState | undefined;
  /** This node's own. */
  readonly interfaces: readonly NodeInterface[];
  readonly isDraining: boolean;
  readonly now: number;
}

export function membersMessage(parts: MembersParts): Extract<FromPulse, { type: 'members' }> {
  const { members, member, isDraining } = parts;
  return {
    type: 'members',
    members: members.map(({ name }) =>
      name === parts.self ? ownState(parts, name) : peerState(parts, name),
    ),
    electorate: (member?.electorate ?? []).map((configuration) => [...configuration.members]),
    hasMajority: member?.electorate !== undefined && hearsMajority(member),
    isDraining,
  };
}

const isElector = (member: MemberState | undefined, name: string): boolean => member?.bits.has(name) === true;

const ownState = ({ member, interfaces }: MembersParts, name: string): LinkMemberState => ({
  name,
  state: 'alive',
  lastHeardMilliseconds: 0,
  interfaces: namesOfUp(interfaces),
  isReady: member?.ready === 'yes' && hearsMajority(member),
  isElector: isElector(member, name),
  unheard: [...(member?.peers.values() ?? [])].filter(isUnheard).map((peer) => peer.name),
});

function peerState({ member, now }: MembersParts, name: string): LinkMemberState {
  const peer = member?.peers.get(name);
  const isAlive = peer?.state === 'alive';
  return {
    name,
    state: peer?.state ?? 'unknown',
    lastHeardMilliseconds: since(peer, now),
    interfaces: namesOfUp(peer?.interfaces ?? []),
    isReady: isAlive && peer.ready,
    isElector: isElector(member, name),
    unheard: isAlive ? peer.silent : [],
  };
}

const isUnheard = ({ state }: Peer): boolean => state === 'silent' || state === 'dead';

const since = (peer: Peer | undefined, now: number): number | undefined =>
  peer === undefined || peer.lastHeard < 0 ? undefined : Math.max(0, Math.round(now - peer.lastHeard));

/** Of those that are up. */
export const namesOfUp = (interfaces: readonly NodeInterface[]): string[] =>
  interfaces.filter(({ up }) => up).map(({ name }) => name);
