// Who has which address: the one place where an address is given and taken back.
import type { Address, Family } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import { firstFree, isBuggy, noteFreed, noteUsed } from './free-space.ts';
import { createSharedHolding, type Holding, type SharingTerms, sharingConflict } from './holding.ts';
import type { PoolState } from './pool-index.ts';
import { findRange } from './range-search.ts';
import type { SharingConflict } from './reason.ts';
import { createSharingGroup, findJoinable, join, leave, type SharingGroup } from './sharing-group.ts';
import { addressKey } from './strangers.ts';

export interface Ledger {
  readonly holdings: Readonly<Record<Family, Map<bigint, Holding>>>;
  readonly groups: Map<string, SharingGroup>;
  /** Addresses that strangers use: they count as used whoever has them, and are given to nobody. By `addressKey`. */
  readonly setAside: Map<string, Address>;
}

export const emptyLedger = (): Ledger => ({
  holdings: { IPv4: new Map(), IPv6: new Map() },
  groups: new Map(),
  setAside: new Map(),
});

const groupName = (pool: PoolState, family: Family, key: string): string =>
  `${pool.pool.name} ${family} ${key}`;

/** Why the Service cannot have the address beside those who have it; undefined if it can. */
export function conflictOn(
  ledger: Ledger,
  address: Address,
  terms: SharingTerms | undefined,
): SharingConflict | undefined {
  const holding = ledger.holdings[address.family].get(address.value);
  return holding === undefined ? undefined : sharingConflict(holding, terms);
}

/** An address of the pool that the Service can have: one that it can share, else the first free one, or of `only`. */
export function findAddress(
  ledger: Ledger,
  pool: PoolState,
  family: Family,
  terms: SharingTerms | undefined,
  only: ReadonlyMap<string, Address> | undefined,
): Address | undefined {
  const group = terms === undefined ? undefined : ledger.groups.get(groupName(pool, family, terms.key));
  const shared = terms === undefined || group === undefined ? undefined : findJoinable(group, terms);
  if (shared !== undefined) return shared.address;
  const space = pool.spaces[family];
  if (space === undefined) return undefined;
  if (only !== undefined)
    return [...only.values()].find(
      (address) =>
        address.family === family &&
        !isHeld(ledger, address) &&
        findRange(space.ascending, address.value) !== undefined &&
        !(space.avoidBuggyIPs && isBuggy(address.value)),
    );
  const value = firstFree(space);
  return value === undefined ? undefined : { family, value };
}

/** Gives the address to the Service, which `conflictOn` must have allowed. True if nobody had it. */
export function hold(
  ledger: Ledger,
  pool: PoolState,
  address: Address,
  service: ServiceKey,
  terms: SharingTerms | undefined,
): boolean {
  const holdings = ledger.holdings[address.family];
  const present = holdings.get(address.value);
  if (present !== undefined && sharingConflict(present, terms) !== undefined)
    throw new Error(`${service} was given an address of ${present.pool.pool.name} that is in use`);
  if (terms === undefined) holdings.set(address.value, { kind: 'sole', address, pool, service });
  else {
    const holding = present?.kind === 'shared' ? present : createSharedHolding(address, pool, terms.key);
    holdings.set(address.value, holding);
    const name = groupName(holding.pool, address.family, terms.key);
    const group = ledger.groups.get(name) ?? createSharingGroup();
    ledger.groups.set(name, group);
    join(group, holding, service, terms);
  }
  if (present === undefined && !ledger.setAside.has(addressKey(address))) noteUsedIn(pool, address);
  return present === undefined;
}

/** Takes the address back from the Service. */
export function release(ledger: Ledger, address: Address, service: ServiceKey): void {
  const { family, value } = address;
  const holding = ledger.holdings[family].get(value);
  if (holding === undefined) throw new Error(`${service} gave back an address that nobody has`);
  if (holding.kind === 'shared') {
    const name = groupName(holding.pool, family, holding.key);
    const group = ledger.groups.get(name);
    if (group !== undefined) leave(group, holding, service);
    if (group?.holdings.size === 0) ledger.groups.delete(name);
    if (holding.members.size > 0) return;
  }
  ledger.holdings[family].delete(value);
  if (!ledger.setAside.has(addressKey(address))) noteFreedIn(holding.pool, address);
}

/** From now on nobody is given the address; who has it keeps it. */
export function setAside(ledger: Ledger, pool: PoolState | undefined, address: Address): void {
  ledger.setAside.set(addressKey(address), address);
  if (pool !== undefined && !isHeld(ledger, address)) noteUsedIn(pool, address);
}

/** It may be given again. */
export function takeUpAgain(ledger: Ledger, pool: PoolState | undefined, address: Address): void {
  ledger.setAside.delete(addressKey(address));
  if (pool !== undefined && !isHeld(ledger, address)) noteFreedIn(pool, address);
}

const isHeld = (ledger: Ledger, { family, value }: Address): boolean => ledger.holdings[family].has(value);

export function noteUsedIn(pool: PoolState, { family, value }: Address): void {
  const space = pool.spaces[family];
  if (space !== undefined) noteUsed(space, value);
}

export function noteFreedIn(pool: PoolState, { family, value }: Address): void {
  const space = pool.spaces[family];
  if (space !== undefined) noteFreed(space, value);
}
