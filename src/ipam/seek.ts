// What one pool can give a Service: an asked-for address, one that can be shared, or the first free one.
import type { Address, Family } from '../model/address.ts';
import type { Service } from '../model/service.ts';
import type { Namespaces } from './eligibility.ts';
import { addressOfFamily } from './family-demand.ts';
import type { SharingTerms } from './holding.ts';
import { conflictOn, findAddress, type Ledger } from './ledger.ts';
import { type PoolIndex, type PoolState, poolOf } from './pool-index.ts';
import type { AllocationReason } from './reason.ts';
import { addressToken, sharingToken, spaceToken, type Token } from './waiting.ts';

/** All that a choice depends on, besides the Service. */
export interface Supply {
  readonly ledger: Ledger;
  readonly pools: PoolIndex;
  readonly namespaces: Namespaces;
}

/** Why there is no address, and which changes make another try worth while; a changed pool always does. */
export interface Miss {
  readonly reason: AllocationReason;
  readonly tokens: readonly Token[];
}

/** What the pool can give of each family, in their order; it is all of them or none. */
export function seek(
  { ledger, pools }: Supply,
  pool: PoolState,
  service: Service,
  terms: SharingTerms | undefined,
  families: readonly Family[],
): readonly Address[] | Miss {
  const found: Address[] = [];
  for (const family of families) {
    const asked = addressOfFamily(service.request.addresses, family);
    const reason = asked === undefined ? undefined : askedRefusal(ledger, pools, pool, asked, terms);
    if (reason !== undefined && asked !== undefined) return { reason, tokens: [addressToken(asked)] };
    const address = asked ?? findAddress(ledger, pool, family, terms);
    if (address === undefined) return nothingFree(pool, family, terms);
    found.push(address);
  }
  return found;
}

export const isMiss = (found: readonly Address[] | Miss): found is Miss => 'reason' in found;

function askedRefusal(
  ledger: Ledger,
  pools: PoolIndex,
  pool: PoolState,
  address: Address,
  terms: SharingTerms | undefined,
): AllocationReason | undefined {
  const holder = poolOf(pools, address);
  if ('kind' in holder) return holder;
  if (holder !== pool)
    return {
      kind: 'addresses-in-two-pools',
      address,
      pool: pool.pool.name,
      actualPool: holder.pool.name,
    };
  return conflictOn(ledger, address, terms);
}

function nothingFree(pool: PoolState, family: Family, terms: SharingTerms | undefined): Miss {
  const { name } = pool.pool;
  const size = pool.spaces[family]?.size;
  if (size === undefined) return { reason: { kind: 'family-not-in-pool', pool: name, family }, tokens: [] };
  const tokens = [spaceToken(name, family), ...(terms === undefined ? [] : [sharingToken(terms.key)])];
  return { reason: { kind: 'pool-exhausted', pool: name, family, size }, tokens };
}
