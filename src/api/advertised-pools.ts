// The pools that an advertisement, of layer 2 or BGP, speaks of.
import type { Pool } from '../model/pool.ts';
import { anySelectorMatches, type LabelSelector } from '../model/selector.ts';
import { type FieldProblem, fieldWarning } from './field-problem.ts';

interface PoolChoice {
  readonly pools: readonly string[];
  readonly poolSelectors: readonly LabelSelector[];
}

/** With no pool named and no selector, all. The cost is that of the names, unless there are selectors. */
export function advertisedPools(choice: PoolChoice, pools: ReadonlyMap<string, Pool>): ReadonlySet<Pool> {
  if (choice.pools.length === 0 && choice.poolSelectors.length === 0) return new Set(pools.values());
  const chosen = new Set<Pool>();
  for (const name of choice.pools) {
    const pool = pools.get(name);
    if (pool !== undefined) chosen.add(pool);
  }
  if (choice.poolSelectors.length === 0) return chosen;
  for (const pool of pools.values())
    if (anySelectorMatches(choice.poolSelectors, pool.labels)) chosen.add(pool);
  return chosen;
}

/** A pool may be added later, so naming one that is missing is only worth a warning. */
export function missingPools(choice: PoolChoice, pools: ReadonlyMap<string, Pool>): FieldProblem[] {
  return choice.pools.flatMap((name, index) => {
    if (pools.has(name)) return [];
    const rule = `There is no IPAddressPool ${name} in force, so this advertises nothing: add it, or correct the name.`;
    return [fieldWarning(['spec', 'ipAddressPools', index], name, rule)];
  });
}
