// What one pool can give a Service: an asked-for address, one that can be shared, or the first free one.
import type { Address, Family } from '../model/address.ts';
import type { Service } from '../model/service.ts';
import type { Namespaces } from './eligibility.ts';
import { addressOfFamily } from './family-demand.ts';
import { availableIn, type FreeSpace } from './free-space.ts';
import type { SharingTerms } from './holding.ts';
import { conflictOn, findAddress, type Ledger } from './ledger.ts';
import { type PoolIndex, type PoolState, poolOf } from './pool-index.ts';
import { findRange } from './range-search.ts';
import type { AllocationReason } from './reason.ts';
import { addressKey, type Probed } from './strangers.ts';
import { addressToken, sharingToken, spaceToken, type Token } from './waiting.ts';

/** All that a choice depends on, besides the Service. */
export interface Supply {
  readonly ledger: Ledger;
  readonly pools: PoolIndex;
  readonly probed: Probed;
  /** Pools whose probes are waited for no longer. */
  readonly notAwaited: ReadonlySet<string>;
  readonly namespaces: Namespaces;
}

/** Why there is no address, and which changes make another try worth while; a changed pool always does. */
export interface Miss {
  readonly reason: AllocationReason;
  readonly tokens: readonly Token[];
}

/** What the pool can give of each family, in their order; it is all of them or none. */
export function seek(
  supply: Supply,
  pool: PoolState,
  service: Service,
  terms: SharingTerms | undefined,
  families: readonly Family[],
): readonly Address[] | Miss {
  const { ledger } = supply;
  const found: Address[] = [];
  for (const family of families) {
    const asked = addressOfFamily(service.request.addresses, family);
    const reason = asked === undefined ? undefined : askedRefusal(supply, pool, asked, terms);
    if (reason !== undefined && asked !== undefined) return { reason, tokens: [addressToken(asked)] };
    const address = asked ?? findAddress(ledger, pool, family, terms, waitsForProbe(pool, supply));
    if (address === undefined) return nothingFree(supply, pool, family, terms);
    found.push(address);
  }
  return found;
}

export const isMiss = (found: readonly Address[] | Miss): found is Miss => 'reason' in found;

/** The addresses that may be given, where only those may be that were found to be nobody's; undefined: all that are free. */
const waitsForProbe = (
  { pool }: PoolState,
  { probed: { clear }, notAwaited }: Supply,
): Probed['clear'] | undefined => (pool.probe === 'before' && !notAwaited.has(pool.name) ? clear : undefined);

function askedRefusal(
  supply: Supply,
  pool: PoolState,
  address: Address,
  terms: SharingTerms | undefined,
): AllocationReason | undefined {
  const { ledger, pools, probed } = supply;
  const holder = poolOf(pools, address);
  if ('kind' in holder) return holder;
  if (holder !== pool)
    return {
      kind: 'addresses-in-two-pools',
      address,
      pool: pool.pool.name,
      actualPool: holder.pool.name,
    };
  const conflict = conflictOn(ledger, address, terms);
  if (conflict !== undefined || isShared(ledger, address)) return conflict;
  const key = addressKey(address);
  const stranger = probed.strangers.get(key);
  if (stranger !== undefined && ledger.setAside.has(key))
    return { kind: 'address-of-stranger', address, mac: stranger.mac, node: stranger.node };
  const clear = waitsForProbe(pool, supply);
  return clear === undefined || clear.has(key)
    ? undefined
    : { kind: 'probe-pending', pool: pool.pool.name, address };
}

/** Services have it, who let others join. */
const isShared = (ledger: Ledger, { family, value }: Address): boolean => ledger.holdings[family].has(value);

function nothingFree(supply: Supply, pool: PoolState, family: Family, terms: SharingTerms | undefined): Miss {
  const { name } = pool.pool;
  const space = pool.spaces[family];
  const size = space?.size;
  if (space === undefined || size === undefined)
    return { reason: { kind: 'family-not-in-pool', pool: name, family }, tokens: [] };
  const tokens = [spaceToken(name, family), ...(terms === undefined ? [] : [sharingToken(terms.key)])];
  if (waitsForProbe(pool, supply) !== undefined && availableIn(space) > 0n)
    return { reason: { kind: 'probe-pending', pool: name, address: undefined }, tokens };
  const strangers = strangersIn(supply.ledger, space, family);
  return { reason: { kind: 'pool-exhausted', pool: name, family, size, strangers }, tokens };
}

const strangersIn = (ledger: Ledger, space: FreeSpace, family: Family): number =>
  [...ledger.setAside.values()].filter(
    (address) =>
      address.family === family && !isShared(ledger, address) && findRange(space.ascending, address.value),
  ).length;
