// Chooses addresses for a Service that has none: from the first pool that can give all it wants.
import type { Address, Family } from '../model/address.ts';
import type { Service } from '../model/service.ts';
import { type Candidates, candidatePools } from './candidates.ts';
import { bothFamilies, familyDemand, otherFamily } from './family-demand.ts';
import { type SharingTerms, sharingTerms } from './holding.ts';
import type { PoolState } from './pool-index.ts';
import type { AllocationReason, RefusedPool } from './reason.ts';
import { decisiveAddress, unusableRequest } from './request.ts';
import { isMiss, type Miss, type Supply, seek } from './seek.ts';
import type { Token } from './waiting.ts';

export type Choice =
  | {
      readonly kind: 'chosen';
      readonly pool: PoolState;
      readonly addresses: readonly Address[];
      /** Why it is one address where two were wanted. */
      readonly shortfall: Miss | undefined;
    }
  | { readonly kind: 'none'; readonly miss: Miss };

/** Chooses for a Service that has nothing. Changes nothing itself. */
export function choose(supply: Supply, service: Service): Choice {
  const unusable = unusableRequest(service);
  if (unusable !== undefined) return none(unusable);
  const candidates = candidatePools(supply, service);
  if ('kind' in candidates) return none(candidates);
  const terms = sharingTerms(service);
  let misses: PoolMiss[] = [];
  for (const families of familyPasses(service, candidates.pools)) {
    misses = [];
    for (const pool of candidates.pools) {
      const found = seek(supply, pool, service, terms, families);
      if (!isMiss(found)) {
        const shortfall = missingSecond(supply, pool, service, terms, found);
        return { kind: 'chosen', pool, addresses: found, shortfall };
      }
      misses.push({ pool: pool.pool.name, ...found });
    }
  }
  return none(summary(service, candidates, misses), [...new Set(misses.flatMap((miss) => miss.tokens))]);
}

interface PoolMiss extends Miss {
  readonly pool: string;
}

const none = (reason: AllocationReason, tokens: readonly Token[] = []): Choice => ({
  kind: 'none',
  miss: { reason, tokens },
});

/** What to try on all pools before the next: with PreferDualStack both families, then one alone. */
export function familyPasses(service: Service, pools: readonly PoolState[]): readonly (readonly Family[])[] {
  const { addresses: asked } = service.request;
  const demand = familyDemand(service, asked);
  const anyIPv4 = pools.some((pool) => pool.spaces.IPv4 !== undefined);
  const primary = demand.primary ?? (anyIPv4 ? 'IPv4' : 'IPv6');
  const both = bothFamilies({ ...demand, primary });
  switch (demand.second) {
    case 'unwanted':
      return [[primary]];
    case 'required':
      return [both];
    case 'wanted':
      return [both, [decisiveAddress(service)?.family ?? primary]];
    default:
      return demand.second satisfies never;
  }
}

function missingSecond(
  supply: Supply,
  pool: PoolState,
  service: Service,
  terms: SharingTerms | undefined,
  addresses: readonly Address[],
): Miss | undefined {
  const [only, second] = addresses;
  if (service.ipFamilyPolicy !== 'PreferDualStack' || only === undefined || second !== undefined)
    return undefined;
  const found = seek(supply, pool, service, terms, [otherFamily(only.family)]);
  return isMiss(found) ? found : undefined;
}

/** One reason for what all pools lack. */
function summary(service: Service, candidates: Candidates, misses: readonly PoolMiss[]): AllocationReason {
  const [first] = misses;
  if (candidates.askedFor && first !== undefined) return first.reason;
  const pending = misses.find(({ reason }) => reason.kind === 'probe-pending');
  if (pending !== undefined) return pending.reason;
  const exhausted = misses.map((miss) => miss.reason).filter((reason) => reason.kind === 'pool-exhausted');
  const [full] = exhausted;
  if (full !== undefined && exhausted.length === 1) return full;
  if (full !== undefined)
    return { kind: 'pools-exhausted', pools: exhausted.map(({ pool }) => pool), family: full.family };
  const lacking = misses.flatMap(({ pool, reason }): RefusedPool[] =>
    reason.kind === 'family-not-in-pool'
      ? [{ pool, refusal: { kind: 'no-family', family: reason.family } }]
      : [],
  );
  const kind =
    first !== undefined && service.ipFamilyPolicy === 'RequireDualStack'
      ? 'dual-stack-unavailable'
      : 'no-eligible-pool';
  return { kind, pools: [...lacking, ...candidates.refused] };
}
