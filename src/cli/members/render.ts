// What `gantry members` shows, as tables for people and as JSON.
import { styleText } from 'node:util';
import { formatHoldings, type HoldingCount } from '../../model/share.ts';
import type { FromPulse, LinkMemberState } from '../../pulse/link.ts';
import { type Column, formatTable } from '../table.ts';

export interface Membership {
  /** This machine's node; undefined until an agent has told pulse. */
  readonly node: string | undefined;
  readonly version: string;
  readonly members: Extract<FromPulse, { type: 'members' }>;
  /** What this node answers for. */
  readonly owned: HoldingCount;
  /** Undefined where this node is alone. */
  readonly leases: Extract<FromPulse, { type: 'leases' }> | undefined;
}

export const isAllHeard = ({ members }: Membership): boolean =>
  members.hasMajority &&
  members.members.every(({ state, unheard }) => state === 'alive' && unheard.length === 0);

export function membersAsJson(membership: Membership): string {
  const { node, version, owned, leases } = membership;
  const { members, electorate, hasMajority, isDraining } = membership.members;
  const ok = isAllHeard(membership);
  const shown = members.map((member) => ({ ...member, votes: votesAgainst(members, member.name) }));
  const { type: _, ...slack } = leases ?? { type: 'leases' };
  return `${JSON.stringify({
    ok,
    node: node ?? null,
    version,
    members: shown,
    electorate,
    hasMajority,
    isDraining,
    owned: owned.addresses,
    ownedShares: owned.shares,
    leases: leases === undefined ? null : slack,
  })}\n`;
}

/** Colours only where `stream` is a terminal and NO_COLOR is not set. */
export function renderMembers(membership: Membership, stream: NodeJS.WritableStream): string {
  const { members } = membership.members;
  return `${formatTable(columns(membership, stream), members)}\n${summary(membership).join('\n')}\n`;
}

/** Members that have heard it and hear it no more. */
const votesAgainst = (members: readonly LinkMemberState[], name: string): number =>
  members.filter(({ unheard }) => unheard.includes(name)).length;

function columns(
  { node, members: { members, isDraining } }: Membership,
  stream: NodeJS.WritableStream,
): Column<LinkMemberState>[] {
  const colours = { alive: 'green', silent: 'yellow', dead: 'red', unknown: 'yellow' } as const;
  return [
    { heading: 'MEMBER', cell: ({ name }) => (name === node ? `${name} (here)` : name) },
    {
      heading: 'STATE',
      cell: ({ state }) => state,
      style: (text, { state }) => styleText(colours[state], text, { stream }),
    },
    { heading: 'LAST HEARD', cell: ({ lastHeardMilliseconds: ms }) => lastHeard(ms) },
    {
      heading: 'ELIGIBLE',
      cell: ({ name, isReady }) => (isReady ? 'yes' : name === node && isDraining ? 'drained' : 'no'),
    },
    { heading: 'VOTES', cell: ({ isElector }) => (isElector ? 'yes' : 'no') },
    {
      heading: 'HEARS',
      cell: ({ state, unheard }) =>
        state !== 'alive' ? '-' : unheard.length === 0 ? 'all' : `all but ${unheard.join(', ')}`,
    },
    { heading: 'UNHEARD BY', cell: ({ name }) => String(votesAgainst(members, name)) },
    { heading: 'INTERFACES', cell: ({ interfaces }) => interfaces.join(', ') || '-' },
  ];
}

const lastHeard = (milliseconds: number | undefined): string => {
  if (milliseconds === undefined) return 'never';
  return milliseconds < 10_000 ? `${milliseconds} ms ago` : `${Math.round(milliseconds / 1000)} s ago`;
};

function summary({ members, owned, leases }: Membership): string[] {
  const { electorate, hasMajority, isDraining } = members;
  const decides = electorate.map((one) => `${majorityOf(one)} of ${one.join(', ')}`).join(' and ');
  const lines = [
    electorate.length === 0
      ? 'Nobody has agreed yet on whose majority decides.'
      : `An address is answered for by leave of ${decides}; ${hasMajority ? 'so many are heard here' : 'so many are not heard here, so this node answers for nothing'}.`,
    `This node answers for ${formatHoldings(owned)}${isDraining ? ', and is drained' : ''}.`,
  ];
  if (leases === undefined) return lines;
  const { smallestSlackMilliseconds: smallest, recentSlackMilliseconds: recent, lapses, conflicts } = leases;
  if (smallest !== undefined) {
    const now = recent === undefined ? '' : `, ${recent} ms in the last second`;
    lines.push(`The least that was left of a lease when it was renewed: ${smallest} ms${now}.`);
  }
  lines.push(`Leases that ran out: ${lapses}. Rivals met: ${conflicts}.`);
  return lines;
}

const majorityOf = (electorate: readonly string[]): number => Math.floor(electorate.length / 2) + 1;
