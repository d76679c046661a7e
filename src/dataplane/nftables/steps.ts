// Orders a change into steps, one a Service, so that what matters most comes first.
import type { ServiceKey } from '../../model/service.ts';
import type { Frontend } from '../table.ts';
import { tableKey } from './compile.ts';
import type { Step, TableState } from './table-state.ts';

/**
 * Services with an endpoint on this node first, so that the node serves before all is done; those that give up a
 * frontend last, so that who takes it over has it without a gap.
 */
export function stepsFor(
  state: TableState,
  changes: ReadonlyMap<ServiceKey, readonly Frontend[]>,
): readonly Step[] {
  const steps = [...changes].map(([service, put]): Step => {
    const keys = new Set(put.map(tableKey));
    return { service, put, remove: [...(state.keysOf.get(service) ?? [])].filter((key) => !keys.has(key)) };
  });
  const order = (step: Step): number =>
    step.remove.length > 0 ? 2 : step.put.some(({ outside }) => outside.some(({ local }) => local)) ? 0 : 1;
  return steps.sort((a, b) => order(a) - order(b));
}

/**
 * Removes the frontends that nobody claimed after the table was read, some at a time; but for those that are wanted in
 * a form that the kernel refused: they stay as they are.
 */
export function stepsForUnclaimed(state: TableState, refused: readonly Frontend[]): readonly Step[] {
  const kept = new Set(refused.map(tableKey));
  const keys = [...state.frontends].flatMap(([key, held]) =>
    held.kind === 'found' && !kept.has(key) ? [key] : [],
  );
  const steps: Step[] = [];
  for (let start = 0; start < keys.length; start += 100)
    steps.push({ service: 'none', put: [], remove: keys.slice(start, start + 100) });
  return steps;
}
