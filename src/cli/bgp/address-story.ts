// Why each node announces an address by BGP, or does not.
import { bgpPlanSentence, bgpSentence } from '../../announce/bgp/reason.ts';
import type { PeerReport } from '../../api/bgp-report.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { type Address, formatAddress, formatCidr } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import type { World } from '../../model/world.ts';
import { withLoneNodes } from '../lone-nodes.ts';
import type { Snapshot } from '../snapshot.ts';
import { addressesIn, planOn } from './node-plan.ts';

export interface AddressStory {
  readonly address: string;
  readonly services: readonly ServiceKey[];
  readonly nodes: readonly NodeStory[];
}

export interface NodeStory {
  readonly node: string;
  readonly prefixes: readonly string[];
  /** Peers that have been told. */
  readonly told: readonly string[];
  /** What keeps it from some or all of them, as sentences. */
  readonly reasons: readonly string[];
}

export function storyOf(snapshot: Snapshot, address: Address): AddressStory {
  const world = withLoneNodes(snapshot.world, snapshot.reports.keys());
  const text = formatAddress(address);
  const services = addressesIn(world).get(text)?.services ?? [];
  const reports = [...snapshot.reports.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  const nodes = services.length === 0 ? [] : reports.map((one) => nodeStory(one, world, address, services));
  return { address: text, services, nodes };
}

export const isAnnounced = ({ nodes }: AddressStory): boolean => nodes.some(({ told }) => told.length > 0);

function nodeStory(
  report: NodeReport,
  world: World,
  address: Address,
  services: readonly ServiceKey[],
): NodeStory {
  const { offers, reasons } = planOn(report, world, address, services);
  const isFor = ({ name }: PeerReport): boolean =>
    offers.some(({ peers }) => peers.length === 0 || peers.includes(name));
  const peers = (report.bgp?.peers ?? []).filter(isFor);
  const told = peers.filter((peer) => peer.told && peer.families.includes(address.family));
  const sentences = reasons.map(bgpPlanSentence);
  const unused = report.bgp?.unused.filter(({ kind }) => kind !== 'peer-not-for-node') ?? [];
  if (offers.length > 0) {
    for (const peer of peers.filter((one) => !told.includes(one)))
      sentences.push(peerSentence(peer, address));
    sentences.push(...unused.map(({ message }) => message));
    const advertisements = [...new Set(offers.map(({ advertisement }) => advertisement))];
    if (peers.length + unused.length === 0)
      sentences.push(bgpSentence({ kind: 'no-bgp-peer', node: report.node, advertisements }));
  }
  return {
    node: report.node,
    prefixes: [...new Set(offers.map(({ prefix }) => formatCidr(prefix)))],
    told: told.map(({ name }) => name),
    reasons: [...new Set(sentences)],
  };
}

function peerSentence({ name, state, families, lastError }: PeerReport, { family }: Address): string {
  if (state === 'established' && !families.includes(family))
    return `The session with ${name} is for ${families.join(' and ')} alone: set dualStackAddressFamily on the BGPPeer, or add one by ${family}.`;
  const why = lastError === undefined ? '' : `: ${lastError}`;
  return `The session with ${name} is ${state}${why}.`;
}

export const storyAsJson = (story: AddressStory): string =>
  `${JSON.stringify({ ok: isAnnounced(story), ...story })}\n`;

export function renderStory({ address, services, nodes }: AddressStory): string {
  if (services.length === 0) return `No Service has ${address}: see gantry status.\n`;
  if (nodes.length === 0) return 'No node reports; start gantry agent on the nodes.\n';
  const lines = [`${address} of ${services.join(', ')}`];
  for (const { node, prefixes, told, reasons } of nodes) {
    const to = told.length === 0 ? 'to nobody' : `as ${prefixes.join(' and ')} to ${told.join(', ')}`;
    lines.push(`${node} announces it ${to}.`, ...reasons.map((reason) => `  ${reason}`));
  }
  return `${lines.join('\n')}\n`;
}
