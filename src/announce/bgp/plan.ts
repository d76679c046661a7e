// What this node offers its BGP peers for an address, and why it offers nothing: pure, and keyed by address.
import { type Address, formatAddress } from '../../model/address.ts';
import type { BgpAdvertisement } from '../../model/bgp.ts';
import { excludeFromLoadBalancersLabel, type Node } from '../../model/node.ts';
import type { Service, ServiceKey } from '../../model/service.ts';
import type { World } from '../../model/world.ts';
import { admits, covers, poolOf } from '../eligible.ts';
import { nodeReason } from '../node-reason.ts';
import type { AnnounceReason, NodeReason } from '../reason.ts';
import { type IsHealthy, usableNodes } from '../usable-endpoints.ts';
import { announcedPrefix } from './aggregate.ts';
import { type CommunityValue, parseCommunity } from './community.ts';
import type { Prefix } from './prefix.ts';
import type { BgpReason } from './reason.ts';

export interface BgpAddressPlan {
  readonly address: Address;
  /** One for each advertisement; none: this node does not announce it. */
  readonly offers: readonly Offer[];
  readonly reasons: readonly (AnnounceReason | NodeReason | BgpReason)[];
}

/** One advertisement's word on one address. */
export interface Offer {
  readonly advertisement: string;
  readonly prefix: Prefix;
  /** Names of BGPPeers; empty: all. */
  readonly peers: readonly string[];
  readonly localPreference: number | undefined;
  readonly communities: readonly CommunityValue[];
  /** Endpoints on this node that it leads to; undefined where it leads to those of all nodes. */
  readonly weight: number | undefined;
}

export interface BgpPlanContext {
  readonly world: World;
  readonly node: string;
  readonly isHealthy: IsHealthy;
  /** The Service's packets are forwarded by this node. */
  readonly isForwarded: (service: ServiceKey) => boolean;
  readonly isDrained: boolean;
  /** It is to be left, and still offers what it did: the label that excludes it does not count yet. */
  readonly isLeaving: boolean;
}

/** Plans one address for the Services that have it: what any of them is announced by, the address is. */
export function planBgpAddress(
  context: BgpPlanContext,
  address: Address,
  services: Iterable<ServiceKey>,
): BgpAddressPlan {
  const { world } = context;
  const node = leavingNode(world.nodes.get(context.node), context.isLeaving);
  const reasons: (AnnounceReason | NodeReason | BgpReason)[] = [];
  const admitting = new Map<string, BgpAdvertisement>();
  let weight: number | undefined = 0;
  if (node === undefined) return { address, offers: [], reasons };
  if (context.isDrained) return { address, offers: [], reasons: [{ kind: 'node-drained', node: node.name }] };
  for (const key of [...services].sort()) {
    const service = world.services.get(key);
    if (service === undefined) continue;
    const offered = offeredBy(context, node, service, address);
    if ('reason' in offered) {
      reasons.push(offered.reason);
      continue;
    }
    if (!context.isForwarded(key)) continue;
    for (const advertisement of offered.admitting) admitting.set(advertisement.name, advertisement);
    weight = weight === undefined || offered.weight === undefined ? undefined : weight + offered.weight;
  }
  const offers = [...admitting.values()].map((advertisement) =>
    offerOf(world, advertisement, address, weight, reasons),
  );
  return { address, offers, reasons };
}

function leavingNode(node: Node | undefined, isLeaving: boolean): Node | undefined {
  if (node === undefined || !isLeaving) return node;
  const { [excludeFromLoadBalancersLabel]: _, ...labels } = node.labels;
  return { ...node, labels };
}

function offeredBy(
  { world, isHealthy }: BgpPlanContext,
  node: Node,
  service: Service,
  address: Address,
):
  | { readonly admitting: readonly BgpAdvertisement[]; readonly weight: number | undefined }
  | { readonly reason: AnnounceReason | NodeReason | BgpReason } {
  const text = formatAddress(address);
  const pool = poolOf(address, world.pools.values());
  if (pool === undefined)
    return { reason: { kind: 'address-in-no-pool', service: service.key, address: text } };
  const matching = [...world.bgpAdvertisements.values()].filter((one) => covers(one, pool, service));
  if (matching.length === 0)
    return {
      reason: { kind: 'no-bgp-advertisement', service: service.key, address: text, pool: pool.name },
    };
  const usable = usableNodes(world, service, address.family, isHealthy);
  if (usable.total === 0)
    return { reason: { kind: 'no-ready-endpoint', service: service.key, family: address.family } };
  const admitting = matching.filter((one) => admits(one, node));
  const reason = nodeReason(node, service, address.family, matching, admitting, usable.nodes);
  if (reason !== undefined) return { reason };
  const isLocal = service.externalTrafficPolicy === 'Local';
  return { admitting, weight: isLocal ? (usable.nodes.get(node.name) ?? 0) : undefined };
}

function offerOf(
  world: World,
  advertisement: BgpAdvertisement,
  address: Address,
  weight: number | undefined,
  reasons: (AnnounceReason | NodeReason | BgpReason)[],
): Offer {
  const communities: CommunityValue[] = [];
  for (const name of advertisement.communities) {
    const value = parseCommunity(communityValue(world, name) ?? name);
    if (value !== undefined) communities.push(value);
    else reasons.push({ kind: 'unknown-community', advertisement: advertisement.name, community: name });
  }
  const { name, peers, localPref } = advertisement;
  return {
    advertisement: name,
    prefix: announcedPrefix(address, advertisement),
    peers,
    localPreference: localPref,
    communities,
    weight,
  };
}

function communityValue({ communities }: World, name: string): string | undefined {
  for (const object of communities.values())
    for (const entry of object.communities) if (entry.name === name) return entry.value;
  return undefined;
}
