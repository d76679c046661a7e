// The pools that an advertisement, of layer 2 or BGP, speaks of.
import type { Pool } from '../model/pool.ts';
import { anySelectorMatches, type LabelSelector } from '../model/selector.ts';
import { type FieldProblem, fieldWarning } from './field-problem.ts';

interface PoolChoice {
  readonly pools: readonly string[];
  readonly poolSelectors: readonly LabelSelector[];
}

/** With no pool named and no selector, all. */
export function advertisedPools(choice: PoolChoice, pools: ReadonlyMap<string, Pool>): Pool[] {
  const all = [...pools.values()];
  if (choice.pools.length === 0 && choice.poolSelectors.length === 0) return all;
  return all.filter(
    ({ name, labels }) => choice.pools.includes(name) || anySelectorMatches(choice.poolSelectors, labels),
  );
}

/** A pool may be added later, so naming one that is missing is only worth a warning. */
export function missingPools(choice: PoolChoice, pools: ReadonlyMap<string, Pool>): FieldProblem[] {
  return choice.pools.flatMap((name, index) => {
    if (pools.has(name)) return [];
    const rule = `There is no IPAddressPool ${name} in force, so this advertises nothing: add it, or correct the name.`;
    return [fieldWarning(['spec', 'ipAddressPools', index], name, rule)];
  });
}
