// Which advertisements cover one Service's address, and what they say of a node.
import { type Address, rangeContains } from '../model/address.ts';
import type { L2Advertisement } from '../model/advertisement.ts';
import type { Node } from '../model/node.ts';
import type { Pool } from '../model/pool.ts';
import { anySelectorMatches, selectorMatches } from '../model/selector.ts';
import type { Service } from '../model/service.ts';

export function poolOf(address: Address, pools: Iterable<Pool>): Pool | undefined {
  for (const pool of pools) if (pool.ranges.some((range) => rangeContains(range, address))) return pool;
  return undefined;
}

/** What L2Advertisements and BGPAdvertisements have in common. */
type Advertisement = Pick<L2Advertisement, 'pools' | 'poolSelectors' | 'serviceSelectors' | 'nodeSelectors'>;

/** The advertisement covers the pool and the Service; no pool named and no pool selector means all pools. */
export function covers(advertisement: Advertisement, pool: Pool, service: Service): boolean {
  const { pools, poolSelectors, serviceSelectors } = advertisement;
  const anyPool = pools.length === 0 && poolSelectors.length === 0;
  const thePool = anyPool || pools.includes(pool.name) || anySelectorMatches(poolSelectors, pool.labels);
  return thePool && (serviceSelectors.length === 0 || anySelectorMatches(serviceSelectors, service.labels));
}

export const admits = (advertisement: Advertisement, node: Node): boolean =>
  advertisement.nodeSelectors.length === 0 || anySelectorMatches(advertisement.nodeSelectors, node.labels);

/** The sum of the weights of all preferences that match the node. */
export const preferenceWeight = (advertisement: L2Advertisement, node: Node): number =>
  advertisement.preferredNodeSelectors
    .filter(({ preference }) => selectorMatches(preference, node.labels))
    .reduce((sum, { weight }) => sum + weight, 0);
