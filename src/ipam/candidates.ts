// Which pools come into question for a Service: the one it asks for, or all that give to it of their own accord.
import type { Service } from '../model/service.ts';
import { autoAssignRefusal, poolRefusal } from './eligibility.ts';
import { type PoolState, poolOf } from './pool-index.ts';
import type { AllocationReason, RefusedPool } from './reason.ts';
import { decisiveAddress } from './request.ts';
import type { Supply } from './seek.ts';

export interface Candidates {
  readonly pools: readonly PoolState[];
  /** The Service asked for the pool, or for an address of it. */
  readonly askedFor: boolean;
  readonly refused: readonly RefusedPool[];
}

/** The pools to try, in order, or why there is none whatever they have left. */
export function candidatePools(
  { pools, namespaces }: Supply,
  service: Service,
): Candidates | AllocationReason {
  const name = service.request.pool;
  const named = name === undefined ? undefined : pools.byName.get(name);
  if (name !== undefined && named === undefined) return { kind: 'pool-not-found', pool: name };
  const address = decisiveAddress(service);
  const holder = address === undefined ? named : poolOf(pools, address);
  if (holder !== undefined) {
    if ('kind' in holder) return holder;
    const pool = holder.pool.name;
    if (address !== undefined && name !== undefined && name !== pool)
      return { kind: 'address-not-in-pool', address, pool: name, actualPool: pool };
    const refusal = poolRefusal(holder.pool, service, namespaces);
    if (refusal !== undefined) return { kind: 'pool-not-for-service', pool, refusal };
    return { pools: [holder], askedFor: true, refused: [] };
  }
  if (pools.ranked.length === 0) return { kind: 'no-pools' };
  const suitable: PoolState[] = [];
  const refused: RefusedPool[] = [];
  for (const state of pools.ranked) {
    const refusal = autoAssignRefusal(state.pool, service, namespaces);
    if (refusal === undefined) suitable.push(state);
    else refused.push({ pool: state.pool.name, refusal });
  }
  return { pools: suitable, askedFor: false, refused };
}
