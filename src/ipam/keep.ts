// Which of the addresses that a Service has, or had by its status, it may keep.
import { type Address, sameAddress } from '../model/address.ts';
import type { Allocated, Service } from '../model/service.ts';
import { poolRefusal } from './eligibility.ts';
import { addressOfFamily, bothFamilies, familyDemand } from './family-demand.ts';
import type { SharingTerms } from './holding.ts';
import { conflictOn } from './ledger.ts';
import type { Loss } from './outcome.ts';
import { type PoolState, poolOf } from './pool-index.ts';
import type { AllocationReason } from './reason.ts';
import { unusableRequest } from './request.ts';
import type { Supply } from './seek.ts';

export interface Kept {
  /** Undefined where nothing is kept. */
  readonly pool: PoolState | undefined;
  /** All of the one pool, the primary first. */
  readonly addresses: readonly Address[];
  readonly lost: readonly Loss[];
}

/**
 * An address is kept while a pool that admits the Service has it, the Service still asks for it or for nothing else,
 * and those who have it too can share it. Whether the pool assigns by itself, and its priority, matter no more; and a
 * request that is unusable takes nothing away.
 */
export function keepClaimed(
  supply: Supply,
  service: Service,
  terms: SharingTerms | undefined,
  claimed: Allocated,
): Kept {
  const demand = familyDemand(service, service.request.addresses);
  const [primary] = bothFamilies(demand);
  const first = addressOfFamily(claimed.addresses, primary);
  const inOrder =
    first === undefined ? claimed.addresses : [first, ...claimed.addresses.filter((each) => each !== first)];
  let pool: PoolState | undefined;
  const addresses: Address[] = [];
  const lost: Loss[] = [];
  for (const address of inOrder) {
    const unwanted =
      demand.second === 'unwanted'
        ? addresses.length > 0 || (demand.primary !== undefined && address.family !== demand.primary)
        : addressOfFamily(addresses, address.family) !== undefined;
    const holder: PoolState | AllocationReason = unwanted
      ? { kind: 'family-not-wanted', address }
      : poolForKeeping(supply, service, terms, address, pool);
    if ('kind' in holder) lost.push({ address, reason: holder });
    else {
      pool = holder;
      addresses.push(address);
    }
  }
  return { pool, addresses, lost };
}

/** The pool that the address is kept in, or why it is not. `own` is the pool of the Service's other address. */
function poolForKeeping(
  { ledger, pools, namespaces }: Supply,
  service: Service,
  terms: SharingTerms | undefined,
  address: Address,
  own: PoolState | undefined,
): PoolState | AllocationReason {
  const usable = unusableRequest(service) === undefined;
  const askedFor = usable ? addressOfFamily(service.request.addresses, address.family) : undefined;
  if (askedFor !== undefined && !sameAddress(askedFor, address))
    return { kind: 'address-not-asked-for', address, askedFor };
  const holder = poolOf(pools, address);
  if ('kind' in holder) return holder;
  const actualPool = holder.pool.name;
  const { pool } = service.request;
  if (usable && pool !== undefined && pool !== actualPool)
    return { kind: 'address-not-in-pool', address, pool, actualPool };
  const refusal = poolRefusal(holder.pool, service, namespaces);
  if (refusal !== undefined) return { kind: 'pool-not-for-service', pool: actualPool, refusal };
  if (own !== undefined && own !== holder)
    return { kind: 'addresses-in-two-pools', address, pool: own.pool.name, actualPool };
  return conflictOn(ledger, address, terms) ?? holder;
}
