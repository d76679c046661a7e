// Why a Service has the addresses it has, or none: the outcome, and what speaks for and against each pool.
import type { Service, ServiceKey } from '../model/service.ts';
import { nothingTouched, type World } from '../model/world.ts';
import { createAllocator } from './allocator.ts';
import { familyPasses } from './choose.ts';
import type { ClassPolicy } from './class-policy.ts';
import { autoAssignRefusal, poolRefusal } from './eligibility.ts';
import { sharingTerms } from './holding.ts';
import { type Outcome, sameAllocation } from './outcome.ts';
import { plan } from './plan.ts';
import { type PoolState, poolOf } from './pool-index.ts';
import { type PoolRefusal, poolRefusalClause } from './reason.ts';
import { decisiveAddress } from './request.ts';
import { isMiss, type Supply, seek } from './seek.ts';
import { type PoolUsage, usageOf } from './usage.ts';

export interface Explanation {
  /** What the controller decides, or has decided, about the Service as the World has it. */
  readonly outcome: Outcome;
  /** The status says the same already. */
  readonly written: boolean;
  /** In the order in which they are tried. Empty for a Service that is not ours. */
  readonly pools: readonly Consideration[];
}

export interface Consideration {
  readonly pool: string;
  readonly usage: PoolUsage;
  readonly verdict: Verdict;
}

export type Verdict =
  /** The Service's addresses are from it. */
  | { readonly kind: 'chosen'; readonly because: 'address-asked-for' | 'pool-asked-for' | 'held' | 'first' }
  /** It could give the Service addresses, but another pool is before it or has given them. */
  | { readonly kind: 'possible' }
  | { readonly kind: 'refused'; readonly refusal: PoolRefusal };

/** Undefined where there is no such Service. Plans all Services: 100,000 take about a second. */
export function explain(policy: ClassPolicy, world: World, key: ServiceKey): Explanation | undefined {
  const service = world.services.get(key);
  if (service === undefined) return undefined;
  const allocator = createAllocator(policy);
  let outcome: Outcome | undefined;
  for (const decision of plan(allocator, world, nothing))
    if (decision?.service === key) outcome = decision.outcome;
  if (outcome === undefined) throw new Error(`the first plan passed ${key} over`);
  const supply: Supply = { ...allocator, namespaces: world.namespaces };
  const chosen = outcome.kind === 'allocated' ? outcome.assignment : undefined;
  const written =
    chosen === undefined
      ? service.allocated.addresses.length === 0
      : sameAllocation(service.allocated, chosen);
  const pools = outcome.kind === 'not-ours' ? [] : allocator.pools.ranked;
  return {
    outcome,
    written,
    pools: pools.map((state) => ({
      pool: state.pool.name,
      usage: usageOf(state),
      verdict: state.pool.name === chosen?.pool ? whyChosen(service) : verdictOn(supply, state, service),
    })),
  };
}

/** The first plan looks at all Services, touched or not. */
const nothing = nothingTouched(true);

function whyChosen(service: Service): Verdict {
  const { addresses, pool } = service.request;
  if (addresses.length > 0) return { kind: 'chosen', because: 'address-asked-for' };
  if (pool !== undefined) return { kind: 'chosen', because: 'pool-asked-for' };
  return { kind: 'chosen', because: service.allocated.addresses.length > 0 ? 'held' : 'first' };
}

function verdictOn(supply: Supply, state: PoolState, service: Service): Verdict {
  const refusal = refusalOf(supply, state, service);
  return refusal === undefined ? { kind: 'possible' } : { kind: 'refused', refusal };
}

function refusalOf(supply: Supply, state: PoolState, service: Service): PoolRefusal | undefined {
  const { pool: name } = service.request;
  const address = decisiveAddress(service);
  const asks = name !== undefined || address !== undefined;
  const elsewhere = address !== undefined && poolOf(supply.pools, address) !== state;
  if (elsewhere || (name !== undefined && name !== state.pool.name)) return { kind: 'not-asked-for' };
  const refusal = (asks ? poolRefusal : autoAssignRefusal)(state.pool, service, supply.namespaces);
  if (refusal !== undefined) return refusal;
  const [families = []] = familyPasses(service, supply.pools.ranked);
  const found = seek(supply, state, service, sharingTerms(service), families);
  if (!isMiss(found)) return undefined;
  const { reason } = found;
  if (reason.kind === 'pool-exhausted')
    return { kind: 'no-free-address', family: reason.family, size: reason.size };
  if (reason.kind === 'family-not-in-pool') return { kind: 'no-family', family: reason.family };
  return { kind: 'address-unavailable' };
}

/** As in `pool X: CLAUSE`. */
export function verdictClause(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'possible':
      return 'could serve it as well';
    case 'refused':
      return poolRefusalClause(verdict.refusal);
    case 'chosen':
      return chosenClauses[verdict.because];
    default:
      return verdict satisfies never;
  }
}

const chosenClauses: Readonly<Record<Extract<Verdict, { kind: 'chosen' }>['because'], string>> = {
  'address-asked-for': 'has the address that the Service asks for',
  'pool-asked-for': 'is the pool that the Service asks for',
  held: 'has the address that the Service has had, which it keeps',
  first: 'is the first that can give what the Service wants',
};
