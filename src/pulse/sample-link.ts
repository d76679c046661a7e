// What a pulse says, for tests of its listeners.
import type { FromPulse, LinkMemberState, LinkOwned } from './link.ts';

export const sampleMember = (
  name: string,
  state: LinkMemberState['state'] = 'alive',
  more: Partial<LinkMemberState> = {},
): LinkMemberState => ({
  name,
  state,
  lastHeardMilliseconds: state === 'unknown' ? undefined : 1,
  interfaces: ['eth0'],
  isReady: state === 'alive',
  isElector: true,
  unheard: [],
  ...more,
});

export const sampleMembers = (
  members: readonly LinkMemberState[],
): Extract<FromPulse, { type: 'members' }> => ({
  type: 'members',
  members,
  electorate: [members.map(({ name }) => name)],
  hasMajority: true,
  isDraining: false,
});

export const sampleOwned = (address: string, more: Partial<LinkOwned> = {}): LinkOwned => ({
  address,
  interfaces: ['eth0'],
  cause: 'elected',
  from: undefined,
  since: Date.parse('2026-01-31T11:00:00Z'),
  ...more,
});
