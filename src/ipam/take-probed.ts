// Brings the allocator in line with what nodes have found out about free addresses.
import { type Address, rangeContains } from '../model/address.ts';
import { type Allocator, announce } from './allocator.ts';
import { noteFreedIn, noteUsedIn, setAside, takeUpAgain } from './ledger.ts';
import { type FreshRanges, type PoolIndex, type PoolState, poolOf, type Resized } from './pool-index.ts';
import type { Probed } from './strangers.ts';
import { addressToken, spaceToken } from './waiting.ts';

/** Sets aside what strangers use, and tells those who wait of what is free again, or found to be nobody's. */
export function takeProbed(allocator: Allocator, before: Probed, probed: Probed): void {
  const { ledger, pools } = allocator;
  for (const [key, { address }] of probed.strangers)
    if (!ledger.setAside.has(key)) setAside(ledger, stateOf(pools, address), address);
  for (const [key, address] of [...ledger.setAside]) {
    if (probed.strangers.has(key)) continue;
    const pool = stateOf(pools, address);
    takeUpAgain(ledger, pool, address);
    tell(allocator, pool, address);
  }
  for (const [key, address] of probed.clear) {
    if (before.clear.has(key)) continue;
    const pool = stateOf(pools, address);
    if (pool !== undefined) allocator.notAwaited.delete(pool.pool.name);
    tell(allocator, pool, address);
  }
}

/** Of ranges that are removed nothing is used, not by strangers either. */
export function leaveAside({ ledger, pools }: Allocator, resized: ReadonlyMap<string, Resized>): void {
  for (const address of ledger.setAside.values()) {
    const pool = stateOf(pools, address);
    const ranges = pool === undefined ? [] : (resized.get(pool.pool.name)?.removed ?? []);
    if (pool !== undefined && ranges.some((range) => rangeContains(range, address)))
      noteFreedIn(pool, address);
  }
}

/** Of these ranges nothing was used: what strangers use of them is used still. */
export function keepAside({ ledger, pools }: Allocator, fresh: FreshRanges): void {
  for (const address of ledger.setAside.values()) {
    const pool = stateOf(pools, address);
    const ranges = pool === undefined ? [] : (fresh.get(pool.pool.name) ?? []);
    if (pool !== undefined && ranges.some((range) => rangeContains(range, address)))
      noteUsedIn(pool, address);
  }
}

function stateOf(pools: PoolIndex, address: Address): PoolState | undefined {
  const found = poolOf(pools, address);
  return 'kind' in found ? undefined : found;
}

function tell(allocator: Allocator, pool: PoolState | undefined, address: Address): void {
  announce(allocator, addressToken(address));
  if (pool === undefined) return;
  const { family } = address;
  announce(allocator, spaceToken(pool.pool.name, family), { pool: pool.pool.name, family });
}
