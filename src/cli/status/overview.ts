// All that `gantry status` shows, as data; and as tables for people.
import { styleText } from 'node:util';
import type { ClassPolicy } from '../../ipam/class-policy.ts';
import { probedBy } from '../../ipam/strangers.ts';
import { formatAddress } from '../../model/address.ts';
import { formatProblem, type ObjectProblem } from '../../model/problem.ts';
import { sharesPerAddress } from '../../model/share.ts';
import { nodeStates } from '../node-state.ts';
import type { Snapshot } from '../snapshot.ts';
import { type Column, formatTable } from '../table.ts';
import { isNodeWell, type NodeRow, nodeRow } from './node-row.ts';
import { type ServiceRow, serviceRows } from './service-row.ts';

export interface Overview {
  readonly services: readonly ServiceRow[];
  readonly nodes: readonly NodeRow[];
  /** Errors set objects aside; their last accepted versions, if any, stay in force. */
  readonly problems: readonly ObjectProblem[];
  /** Free addresses of pools that others use. */
  readonly strangers: readonly StrangerRow[];
}

export interface StrangerRow {
  readonly address: string;
  readonly mac: string;
  /** Which found it, and where. */
  readonly node: string;
  readonly interface: string;
  /** RFC 3339. */
  readonly since: string;
}

export function overviewOf(snapshot: Snapshot, policy: ClassPolicy, nowMilliseconds: number): Overview {
  const states = nodeStates(snapshot.world.nodes.keys(), snapshot.reports, nowMilliseconds);
  return {
    services: serviceRows(snapshot, policy, states),
    nodes: [...states.values()].map(nodeRow),
    problems: snapshot.problems,
    strangers: [...probedBy(snapshot.world.addressProbes, snapshot.world.nodes).strangers.values()].map(
      (found) => ({ ...found, address: formatAddress(found.address) }),
    ),
  };
}

/** Every Service answers, every node is well, and no object is set aside. */
export const isAllWell = ({ services, nodes, problems }: Overview): boolean =>
  services.every(({ state }) => state === 'answering') &&
  nodes.every(isNodeWell) &&
  !problems.some(({ severity }) => severity === 'error');

export const overviewAsJson = (overview: Overview): string =>
  `${JSON.stringify({ ok: isAllWell(overview), ...overview })}\n`;

/** Colours only where `stream` is a terminal and NO_COLOR is not set. */
export function renderOverview(overview: Overview, stream: NodeJS.WritableStream): string {
  const { services, nodes, problems, strangers } = overview;
  const parts = [
    services.length === 0
      ? 'No Services of type LoadBalancer.\n'
      : formatTable(serviceColumns(stream), services),
    nodes.length === 0
      ? 'No node reports: start gantry agent, or gantry standalone.\n'
      : formatTable(nodeColumns(stream), nodes),
    ...findingLines(nodes),
    ...strangers.map(strangerLine),
    ...problemLines(problems),
  ];
  return parts.join('\n');
}

const strangerLine = ({ address, mac, node, interface: name, since }: StrangerRow): string =>
  `${address} is used by ${mac}, which is not Gantry's, and is given to no Service (found by ${node} on ${name}, ${since}).\n`;

const orDash = (words: readonly string[]): string => (words.length === 0 ? '-' : words.join(','));

/** As in `node1 6/16`, of an address that is spread. */
const withShares = (node: string, shares: ServiceRow['shares']): string =>
  shares[node] === undefined ? node : `${node} ${shares[node]}/${sharesPerAddress}`;

function serviceColumns(stream: NodeJS.WritableStream): Column<ServiceRow>[] {
  return [
    { heading: 'SERVICE', cell: ({ service }) => service },
    { heading: 'ADDRESSES', cell: ({ addresses }) => orDash(addresses) },
    { heading: 'POOL', cell: ({ pool }) => pool ?? '-' },
    { heading: 'NODE', cell: ({ owners, shares }) => orDash(owners.map((node) => withShares(node, shares))) },
    { heading: 'ENDPOINTS', cell: ({ endpoints: { ready, total } }) => `${ready}/${total}` },
    { heading: 'DATA PATH', cell: ({ dataPath }) => (dataPath === 'unknown' ? '-' : dataPath) },
    {
      heading: 'STATE',
      cell: ({ state }) => state,
      style: (text, { state }) => styleText(state === 'answering' ? 'green' : 'red', text, { stream }),
    },
    { heading: 'REASON', cell: ({ reason }) => reason },
  ];
}

function nodeColumns(stream: NodeJS.WritableStream): Column<NodeRow>[] {
  return [
    {
      heading: 'NODE',
      cell: ({ node }) => node,
      style: (text, row) => styleText(isNodeWell(row) ? 'green' : 'red', text, { stream }),
    },
    { heading: 'STATE', cell: ({ state, draining }) => (draining ? `${state}, drained` : state) },
    { heading: 'AGENT', cell: ({ agent }) => agent },
    { heading: 'REPORTED', cell: ({ reportAgeSeconds: age }) => (age === null ? '-' : `${age} s ago`) },
    { heading: 'PULSE', cell: ({ pulse }) => pulse },
    { heading: 'DATA PLANE', cell: ({ dataPlane }) => dataPlane },
    { heading: 'OWNED', cell: ownedText },
    { heading: 'VERSION', cell: ({ version }) => version ?? '-' },
  ];
}

const ownedText = ({ owned, ownedShares }: NodeRow): string => {
  if (owned === null) return '-';
  return ownedShares === 0 ? String(owned) : `${owned} (${ownedShares} shares)`;
};

const findingLines = (nodes: readonly NodeRow[]): string[] => {
  const lines = nodes.flatMap(({ node, findings }) =>
    findings.map(({ severity, message }) => `${severity} on ${node}: ${message}`),
  );
  return lines.length === 0 ? [] : [`${lines.join('\n')}\n`];
};

const problemsShown = 10;

function problemLines(problems: readonly ObjectProblem[]): string[] {
  if (problems.length === 0) return [];
  const shown = problems
    .slice(0, problemsShown)
    .map((problem) => `${problem.severity}: ${formatProblem(problem)}`);
  const rest = problems.length - shown.length;
  if (rest > 0) shown.push(`and ${rest} more: gantry validate lists them all`);
  return [
    `Configuration problems; what had errors is set aside, its last accepted version in force:\n${shown.join('\n')}\n`,
  ];
}
