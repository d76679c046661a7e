// How much of each pool is in use: for the pools' statuses, for metrics, and for people.
import type { Family } from '../model/address.ts';
import type { Allocator } from './allocator.ts';
import { availableIn, type FreeSpace } from './free-space.ts';
import type { PoolState } from './pool-index.ts';
import type { AllocationReason } from './reason.ts';

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

/** How many Services wait for an address, or for a second one, by the kind of the reason. */
export function waitingByReason({ waiting, records }: Allocator): Map<AllocationReason['kind'], number> {
  const counts = new Map<AllocationReason['kind'], number>();
  for (const key of waiting.waiters.keys()) {
    const kind = records.get(key)?.reason?.kind;
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
