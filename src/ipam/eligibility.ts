// Which pools may give a Service an address, and in which order they are tried.
import type { Namespace } from '../model/node.ts';
import type { Pool } from '../model/pool.ts';
import { anySelectorMatches, type Labels } from '../model/selector.ts';
import type { Service } from '../model/service.ts';
import type { PoolRefusal } from './reason.ts';

export type Namespaces = ReadonlyMap<string, Namespace>;

/**
 * Whether the pool's serviceAllocation admits the Service, asked for or not. Namespaces are admitted by name or by
 * selector; where serviceSelectors are given too, both must hold.
 */
export function poolRefusal(pool: Pool, service: Service, namespaces: Namespaces): PoolRefusal | undefined {
  const allocation = pool.serviceAllocation;
  if (allocation === undefined) return undefined;
  const { namespace } = service;
  const namesAny = allocation.namespaces.length > 0 || allocation.namespaceSelectors.length > 0;
  const admitted =
    !namesAny ||
    allocation.namespaces.includes(namespace) ||
    anySelectorMatches(allocation.namespaceSelectors, namespaceLabels(namespace, namespaces));
  if (!admitted) return { kind: 'namespace-not-allowed', namespace };
  const selectors = allocation.serviceSelectors;
  if (selectors.length > 0 && !anySelectorMatches(selectors, service.labels))
    return { kind: 'labels-not-selected' };
  return undefined;
}

/** The same for a Service that asks for no pool. */
export const autoAssignRefusal = (
  pool: Pool,
  service: Service,
  namespaces: Namespaces,
): PoolRefusal | undefined =>
  pool.autoAssign ? poolRefusal(pool, service, namespaces) : { kind: 'not-auto-assign' };

/** Every namespace has the label with its name, as the API server sees to; a folder may not even have its object. */
const namespaceLabels = (name: string, namespaces: Namespaces): Labels => ({
  'kubernetes.io/metadata.name': name,
  ...namespaces.get(name)?.labels,
});

export const selectsNamespaces = (pool: Pool): boolean =>
  (pool.serviceAllocation?.namespaceSelectors.length ?? 0) > 0;

/** By priority, then pools made for some Services before those for all, then by name. */
export function comparePools(a: Pool, b: Pool): number {
  const difference = rank(a) - rank(b);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  if (isRestricted(a) !== isRestricted(b)) return isRestricted(a) ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** 0 and no priority at all come last. */
const rank = (pool: Pool): number => pool.serviceAllocation?.priority || Number.POSITIVE_INFINITY;

const isRestricted = ({ serviceAllocation: allocation }: Pool): boolean =>
  allocation !== undefined &&
  allocation.namespaces.length + allocation.namespaceSelectors.length + allocation.serviceSelectors.length >
    0;
