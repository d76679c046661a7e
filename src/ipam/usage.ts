// How much of each pool is in use: for the pools' statuses, for metrics, and for people.
import type { Family } from '../model/address.ts';
import type { Allocator } from './allocator.ts';
import { availableIn, type FreeSpace } from './free-space.ts';
import type { PoolState } from './pool-index.ts';

export interface PoolUsage {
  readonly pool: string;
  readonly services: number;
  readonly families: Readonly<Record<Family, FamilyUsage>>;
}

/** Counts of addresses; an address that several Services share is in use once. All 0 for a family it has none of. */
export interface FamilyUsage {
  readonly size: bigint;
  readonly inUse: bigint;
  readonly available: bigint;
}

/** Of each pool, in the order in which pools are tried. */
export const poolUsage = (allocator: Allocator): PoolUsage[] => allocator.pools.ranked.map(usageOf);

export const usageOf = ({ pool, services, spaces }: PoolState): PoolUsage => ({
  pool: pool.name,
  services: services.size,
  families: { IPv4: familyUsage(spaces.IPv4), IPv6: familyUsage(spaces.IPv6) },
});

const familyUsage = (space: FreeSpace | undefined): FamilyUsage =>
  space === undefined
    ? { size: 0n, inUse: 0n, available: 0n }
    : { size: space.size, inUse: BigInt(space.used), available: availableIn(space) };
