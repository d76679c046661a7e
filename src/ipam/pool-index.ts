// The pools as the allocator needs them: in the order they are tried, and by the addresses that they hold.
import { isDeepStrictEqual } from 'node:util';
import type { Address, AddressRange, Family } from '../model/address.ts';
import type { Pool } from '../model/pool.ts';
import type { ServiceKey } from '../model/service.ts';
import { comparePools, selectsNamespaces } from './eligibility.ts';
import { createFreeSpace, cutFreeSpace, extendFreeSpace, type FreeSpace, isBuggy } from './free-space.ts';
import { findRange, sortRanges } from './range-search.ts';
import type { AddressRefusal } from './reason.ts';

export interface PoolState {
  pool: Pool;
  readonly spaces: Record<Family, FreeSpace | undefined>;
  /** Who has addresses from it. */
  readonly services: Set<ServiceKey>;
}

export interface PoolIndex {
  readonly byName: Map<string, PoolState>;
  /** All pools, the first to be tried first. */
  ranked: readonly PoolState[];
  ranges: Readonly<Record<Family, readonly PoolRange[]>>;
  /** Some pool selects namespaces by their labels. */
  selectsNamespaces: boolean;
}

interface PoolRange {
  readonly range: AddressRange;
  readonly state: PoolState;
}

export const emptyPoolIndex = (): PoolIndex => ({
  byName: new Map(),
  ranked: [],
  ranges: { IPv4: [], IPv6: [] },
  selectsNamespaces: false,
});

/** What became of the ranges of a pool that is otherwise as it was: its first ones it has still, as many as can be. */
export interface Resized {
  readonly removed: readonly AddressRange[];
  readonly added: readonly AddressRange[];
}

/** By pool, ranges of it of which nothing is used. */
export type FreshRanges = ReadonlyMap<string, readonly AddressRange[]>;

/**
 * Those of the named pools of which nothing but ranges changed. Who has addresses of them is not affected, however many
 * they are, but those with an address in a range that was removed.
 */
export function resizedPools(
  index: PoolIndex,
  names: Iterable<string>,
  pools: ReadonlyMap<string, Pool>,
): ReadonlyMap<string, Resized> {
  const resized = new Map<string, Resized>();
  for (const name of names) {
    const [before, after] = [index.byName.get(name)?.pool, pools.get(name)];
    if (before === undefined || after === undefined) continue;
    if (!isDeepStrictEqual({ ...before, ranges: [] }, { ...after, ranges: [] })) continue;
    const kept = countInCommon(before.ranges, after.ranges);
    resized.set(name, { removed: before.ranges.slice(kept), added: after.ranges.slice(kept) });
  }
  return resized;
}

function countInCommon(before: readonly AddressRange[], after: readonly AddressRange[]): number {
  let count = 0;
  while (count < before.length && isDeepStrictEqual(before[count], after[count])) count += 1;
  return count;
}

/**
 * Takes the named pools from `pools` anew, with nothing used in them; those not in it any more are dropped, and those that
 * were `resized` go on: nothing of what was removed from them may be used. Returns the ranges of which nothing is used.
 */
export function replacePools(
  index: PoolIndex,
  names: Iterable<string>,
  pools: ReadonlyMap<string, Pool>,
  resized: ReadonlyMap<string, Resized>,
): FreshRanges {
  const fresh = new Map<string, readonly AddressRange[]>();
  for (const name of names) {
    const [pool, state, change] = [pools.get(name), index.byName.get(name), resized.get(name)];
    if (pool === undefined) index.byName.delete(name);
    else if (state !== undefined && change !== undefined) resize(state, pool, change);
    else index.byName.set(name, createPoolState(pool));
    if (pool !== undefined) fresh.set(name, change?.added ?? pool.ranges);
  }
  index.ranked = [...index.byName.values()].sort((a, b) => comparePools(a.pool, b.pool));
  const rangesOf = (family: Family): readonly PoolRange[] =>
    sortRanges(
      index.ranked.flatMap((state) => state.spaces[family]?.ranges.map((range) => ({ range, state })) ?? []),
    );
  index.ranges = { IPv4: rangesOf('IPv4'), IPv6: rangesOf('IPv6') };
  index.selectsNamespaces = index.ranked.some(({ pool }) => selectsNamespaces(pool));
  return fresh;
}

function resize(state: PoolState, pool: Pool, { removed, added }: Resized): void {
  state.pool = pool;
  for (const family of ['IPv4', 'IPv6'] as const) {
    const ofFamily = (ranges: readonly AddressRange[]) =>
      ranges.filter(({ first }) => first.family === family);
    const space = state.spaces[family];
    const kept = (space?.ranges.length ?? 0) - ofFamily(removed).length;
    if (space === undefined || kept === 0)
      state.spaces[family] = createFreeSpace(family, added, pool.avoidBuggyIPs);
    else {
      cutFreeSpace(space, kept);
      extendFreeSpace(space, ofFamily(added));
    }
  }
}

const createPoolState = (pool: Pool): PoolState => ({
  pool,
  spaces: {
    IPv4: createFreeSpace('IPv4', pool.ranges, pool.avoidBuggyIPs),
    IPv6: createFreeSpace('IPv6', pool.ranges, pool.avoidBuggyIPs),
  },
  services: new Set(),
});

/** The pool that can give the address, or why none can. */
export function poolOf(index: PoolIndex, address: Address): PoolState | AddressRefusal {
  const state = findRange(index.ranges[address.family], address.value)?.state;
  if (state === undefined) return { kind: 'address-not-in-pools', address };
  if (state.spaces[address.family]?.avoidBuggyIPs && isBuggy(address.value))
    return { kind: 'address-avoided', address, pool: state.pool.name };
  return state;
}
