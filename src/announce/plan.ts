// Who may announce an address, the most wanted first, and why the others may not: pure, and keyed by address.
import { type Address, compareAddresses, formatAddress } from '../model/address.ts';
import type { L2Advertisement } from '../model/advertisement.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import type { World } from '../model/world.ts';
import { admits, covers, poolOf, preferenceWeight } from './eligible.ts';
import { nodeReason } from './node-reason.ts';
import { byScore, rankShares } from './rank-shares.ts';
import type { AnnounceReason, NodeReason } from './reason.ts';
import { type IsHealthy, usableNodes } from './usable-endpoints.ts';

export interface AddressPlan {
  readonly address: Address;
  /** In order: more Services served there, higher preference weight, higher rendezvous score. */
  readonly candidates: readonly Candidate[];
  /**
   * Where an advertisement spreads the address: by share, the same candidates in the order in which that share wants them.
   * Undefined: one node answers for all of it.
   */
  readonly shares: readonly (readonly Candidate[])[] | undefined;
  /** The nodes that may not, each with the first thing that rules it out. */
  readonly excluded: readonly NodeReason[];
  /** Why some Service with this address is announced nowhere. */
  readonly reasons: readonly AnnounceReason[];
}

export interface Candidate {
  readonly node: string;
  /** Sorted; empty: all usable interfaces. */
  readonly interfaces: readonly string[];
}

/**
 * Plans one address for the Services that have it. They are several only where they share it: then a node that serves
 * one of them may announce it, and the node that serves the most is preferred.
 */
export function planAddress(
  world: World,
  address: Address,
  services: readonly ServiceKey[] | ReadonlySet<ServiceKey>,
  isHealthy: IsHealthy,
): AddressPlan {
  const wanted = new Map<string, Wanted>();
  const excluded = new Map<string, NodeReason>();
  const reasons: AnnounceReason[] = [];
  const text = formatAddress(address);
  const ranked = rankedBy(world, address, services);
  let isSpread = false;

  for (const key of [...services].sort()) {
    const service = world.services.get(key);
    if (service === undefined) continue;
    const matching = advertisementsOf(world, service, address);
    if (!Array.isArray(matching)) {
      reasons.push(matching);
      continue;
    }
    isSpread ||= matching.some(({ spread }) => spread);
    const usable = usableNodes(world, service, address.family, isHealthy);
    if (usable.total === 0) {
      reasons.push({ kind: 'no-ready-endpoint', service: key, family: address.family });
      continue;
    }
    let candidates = 0;
    for (const node of world.nodes.values()) {
      const admitting = matching.filter((advertisement) => admits(advertisement, node));
      const reason = nodeReason(node, service, address.family, matching, admitting, usable.nodes);
      if (reason !== undefined) {
        excluded.set(node.name, reason);
        continue;
      }
      candidates++;
      const entry = wanted.get(node.name) ?? {
        node: node.name,
        served: 0,
        weight: 0,
        everywhere: false,
        interfaces: new Set(),
      };
      entry.served++;
      entry.weight = Math.max(
        entry.weight,
        ...admitting.map((advertisement) => preferenceWeight(advertisement, node)),
      );
      for (const { interfaces } of admitting) {
        if (interfaces.length === 0) entry.everywhere = true;
        for (const name of interfaces) entry.interfaces.add(name);
      }
      wanted.set(node.name, entry);
    }
    if (candidates === 0) reasons.push({ kind: 'no-candidate', service: key, address: text });
  }

  const contenders = [...wanted.values()];
  const candidates = byScore(contenders, ranked).map(candidateOf);
  const shares = isSpread ? rankShares(contenders, ranked).map((order) => order.map(candidateOf)) : undefined;
  for (const { node } of candidates) excluded.delete(node);
  return { address, candidates, shares, excluded: [...excluded.values()], reasons };
}

interface Wanted {
  readonly node: string;
  served: number;
  weight: number;
  everywhere: boolean;
  readonly interfaces: Set<string>;
}

const candidateOf = ({ node, everywhere, interfaces }: Wanted): Candidate => ({
  node,
  interfaces: everywhere ? [] : [...interfaces].sort(),
});

/**
 * The address whose rendezvous decides: the least that the Services have, IPv4 before IPv6. So a dual-stack Service
 * enters by one node.
 */
function rankedBy(world: World, address: Address, services: Iterable<ServiceKey>): string {
  let least = address;
  for (const key of services) {
    for (const other of world.services.get(key)?.allocated.addresses ?? []) {
      if (compareAddresses(other, least) < 0) least = other;
    }
  }
  return formatAddress(least);
}

/** The advertisements that cover the address for this Service, or why there are none. */
function advertisementsOf(
  world: World,
  service: Service,
  address: Address,
): L2Advertisement[] | AnnounceReason {
  const pool = poolOf(address, world.pools.values());
  const text = formatAddress(address);
  if (pool === undefined) return { kind: 'address-in-no-pool', service: service.key, address: text };
  const matching = [...world.l2Advertisements.values()].filter((advertisement) =>
    covers(advertisement, pool, service),
  );
  if (matching.length > 0) return matching;
  return { kind: 'no-advertisement', service: service.key, address: text, pool: pool.name };
}
