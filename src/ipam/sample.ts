// Pools and Worlds to try the allocator with, in tests and benches.
import { type AddressRange, cidrRange, parseCidr } from '../model/address.ts';
import type { Pool, ServiceAllocation } from '../model/pool.ts';
import { sampleAddress } from '../model/sample.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { type Change, emptyWorld, type World } from '../model/world.ts';

/** `FIRST-LAST`, a CIDR block, or one address. */
export function sampleRange(text: string): AddressRange {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return cidrRange(cidr);
  const [first = '', last = first] = text.split('-');
  return { first: sampleAddress(first), last: sampleAddress(last) };
}

export const samplePool = (name: string, ranges: readonly string[], change: Partial<Pool> = {}): Pool => ({
  name,
  labels: {},
  ranges: ranges.map(sampleRange),
  autoAssign: true,
  avoidBuggyIPs: false,
  serviceAllocation: undefined,
  ...change,
});

export const sampleAllocation = (change: Partial<ServiceAllocation>): ServiceAllocation => ({
  priority: 0,
  namespaces: [],
  namespaceSelectors: [],
  serviceSelectors: [],
  ...change,
});

export const samplePort = (port: number, protocol: ServicePort['protocol'] = 'TCP'): ServicePort => ({
  name: `${protocol}-${port}`.toLowerCase(),
  protocol,
  port,
  nodePort: undefined,
});

export const putService = (service: Service): Change => ({
  kind: 'Service',
  key: service.key,
  object: service,
});

export const putPool = (pool: Pool): Change => ({ kind: 'IPAddressPool', key: pool.name, object: pool });

export function sampleWorld(pools: readonly Pool[], services: readonly Service[] = []): World {
  const world = emptyWorld();
  world.complete = true;
  for (const pool of pools) world.pools.set(pool.name, pool);
  for (const service of services) world.services.set(service.key, service);
  return world;
}
