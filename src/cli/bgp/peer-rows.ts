// The BGP peers of the nodes, as their agents report them: as data, as JSON and as a table.
import { styleText } from 'node:util';
import type { BgpReport, PeerReport } from '../../api/bgp-report.ts';
import type { Snapshot } from '../snapshot.ts';
import { type Column, formatTable } from '../table.ts';

export interface PeerRows {
  readonly peers: readonly PeerRow[];
  /** BGPPeers that a node has no session with, and why. */
  readonly unused: readonly (BgpReport['unused'][number] & { readonly node: string })[];
}

export interface PeerRow extends PeerReport {
  readonly node: string;
}

/** By node, then by name. */
export function peerRows({ reports }: Snapshot): PeerRows {
  const nodes = [...reports.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  return {
    peers: nodes.flatMap(({ node, bgp }) => (bgp?.peers ?? []).map((peer) => ({ node, ...peer }))),
    unused: nodes.flatMap(({ node, bgp }) => (bgp?.unused ?? []).map((one) => ({ node, ...one }))),
  };
}

/** That a peer is another node's is no fault. */
export const arePeersWell = ({ peers, unused }: PeerRows): boolean =>
  peers.every(({ state, told, problem }) => state === 'established' && told && problem === undefined) &&
  unused.every(({ kind }) => kind === 'peer-not-for-node');

export const peersAsJson = (rows: PeerRows): string =>
  `${JSON.stringify({ ok: arePeersWell(rows), ...rows })}\n`;

/** Colours only where `stream` is a terminal and NO_COLOR is not set. */
export function renderPeers(rows: PeerRows, stream: NodeJS.WritableStream): string {
  const { peers, unused } = rows;
  if (peers.length + unused.length === 0)
    return 'No node has BGP peers: add a BGPPeer, or start gantry agent on the nodes.\n';
  const notes = peers.flatMap(({ node, name, lastError, problem }) =>
    [lastError, problem].flatMap((text) => (text === undefined ? [] : [`${node}, ${name}: ${text}`])),
  );
  const left = unused
    .filter(({ kind }) => kind !== 'peer-not-for-node')
    .map(({ node, message }) => `${node}: ${message}`);
  const lines = [...notes, ...left].map((line) => `${line}\n`).join('');
  const table = peers.length === 0 ? '' : formatTable(columns(stream), peers);
  return lines === '' ? table : `${table}\n${lines}`;
}

const columns = (stream: NodeJS.WritableStream): Column<PeerRow>[] => [
  { heading: 'NODE', cell: ({ node }) => node },
  { heading: 'PEER', cell: ({ name }) => name },
  { heading: 'ADDRESS', cell: ({ address, port }) => (port === 179 ? address : `${address} port ${port}`) },
  { heading: 'AS', cell: ({ peerAsn }) => (peerAsn === undefined ? '-' : String(peerAsn)) },
  {
    heading: 'STATE',
    cell: ({ state }) => state,
    style: (text, { state }) => styleText(state === 'established' ? 'green' : 'red', text, { stream }),
  },
  { heading: 'SINCE', cell: ({ since }) => since.replace(/\.\d+Z$/, 'Z') },
  { heading: 'FAMILIES', cell: ({ families }) => families.join(',') || '-' },
  { heading: 'PREFIXES', cell: ({ prefixes, told }) => `${prefixes}${told ? '' : ' (not told)'}` },
  { heading: 'SENT', cell: ({ sent }) => String(sent) },
  { heading: 'RECEIVED', cell: ({ received }) => String(received) },
  { heading: 'BFD', cell: ({ bfd }) => bfd ?? '-' },
  {
    heading: 'BOTH CAN',
    cell: ({ capabilities, peerCapabilities }) =>
      capabilities.filter((one) => peerCapabilities.includes(one)).join(',') || '-',
  },
];
