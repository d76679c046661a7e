// The prefixes that the nodes announce by BGP, and to whom: as data, as JSON and as a table.
import { formatCommunity } from '../../announce/bgp/community.ts';
import { namedPeers, planPeers } from '../../announce/bgp/peer-plan.ts';
import { createRouteTable, everyone } from '../../announce/bgp/route-table.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { formatAddress, formatCidr } from '../../model/address.ts';
import type { Node } from '../../model/node.ts';
import type { World } from '../../model/world.ts';
import { withLoneNodes } from '../lone-nodes.ts';
import type { Snapshot } from '../snapshot.ts';
import { formatTable } from '../table.ts';
import { addressesIn, planOn } from './node-plan.ts';

export interface RouteRow {
  readonly node: string;
  readonly prefix: string;
  /** For whom it is. */
  readonly peers: readonly string[];
  /** Those that have been told of all that is theirs. */
  readonly told: readonly string[];
  readonly localPreference: number | null;
  readonly communities: readonly string[];
  /** Bytes a second; null: it is not weighed. */
  readonly bandwidth: number | null;
}

/** By node, then by prefix as text. */
export function routeRows(snapshot: Snapshot): RouteRow[] {
  const { reports } = snapshot;
  const world = withLoneNodes(snapshot.world, reports.keys());
  return [...reports.values()]
    .flatMap((report) => rowsOf(report, world))
    .sort((a, b) => (`${a.node} ${a.prefix}` < `${b.node} ${b.prefix}` ? -1 : 1));
}

function rowsOf(report: NodeReport, world: World): RouteRow[] {
  const node = world.nodes.get(report.node);
  if (node === undefined) return [];
  const audiences = audiencesOf(report, world, node);
  const told = new Set(report.bgp?.peers.filter((peer) => peer.told).map(({ name }) => name));
  const rows = new Map<string, RouteRow>();
  const table = createRouteTable((audience, prefix, intent) => {
    const key = `${audience} ${formatCidr(prefix)}`;
    const names = [...audiences].flatMap(([name, own]) => (own === audience ? [name] : []));
    if (intent === undefined || names.length === 0) rows.delete(key);
    else
      rows.set(key, {
        node: report.node,
        prefix: formatCidr(prefix),
        peers: names,
        told: names.filter((name) => told.has(name)),
        localPreference: intent.localPreference ?? null,
        communities: intent.communities.map(formatCommunity),
        bandwidth: intent.bandwidthBytesPerSecond ?? null,
      });
  });
  table.setAudiences(new Set([everyone, ...audiences.values()]));
  for (const { address, services } of addressesIn(world).values())
    table.set(formatAddress(address), planOn(report, world, address, services).offers);
  return [...rows.values()];
}

export const routesAsJson = (routes: readonly RouteRow[]): string => `${JSON.stringify({ routes })}\n`;

export const renderRoutes = (rows: readonly RouteRow[]): string =>
  rows.length === 0
    ? 'No node announces anything by BGP: gantry bgp why ADDRESS tells why.\n'
    : formatTable(
        [
          { heading: 'NODE', cell: ({ node }) => node },
          { heading: 'PREFIX', cell: ({ prefix }) => prefix },
          { heading: 'PEERS', cell: ({ peers }) => peers.join(',') },
          { heading: 'TOLD', cell: ({ peers, told }) => `${told.length} of ${peers.length}` },
          {
            heading: 'LOCAL PREF',
            cell: ({ localPreference }) => (localPreference === null ? '-' : String(localPreference)),
          },
          { heading: 'COMMUNITIES', cell: ({ communities }) => communities.join(',') || '-' },
        ],
        rows,
      );

/** By peer. Those with passwords in Secrets, which are not read here, are known by the node's own report. */
function audiencesOf({ bgp }: NodeReport, world: World, node: Node): Map<string, string> {
  const named = namedPeers(world.bgpAdvertisements.values());
  const names = new Set([
    ...planPeers(world, node).peers.map(({ peer }) => peer.name),
    ...(bgp?.peers ?? []).map(({ name }) => name),
  ]);
  return new Map([...names].sort().map((name) => [name, named.has(name) ? name : everyone]));
}
