// The shared addresses of one pool, family and key, with counts that tell at once when none of them can be joined.
import type { ServiceKey } from '../model/service.ts';
import { type SharedHolding, type SharingTerms, sharingConflict } from './holding.ts';
import type { PortKey } from './port-key.ts';

export interface SharingGroup {
  readonly holdings: Set<SharedHolding>;
  /** On how many of them each port is taken. */
  readonly ports: Map<PortKey, number>;
  /** On how many of them a member has each selector. */
  readonly selectors: Map<string, number>;
  /** How many have no member with externalTrafficPolicy Local. */
  allCluster: number;
}

export const createSharingGroup = (): SharingGroup => ({
  holdings: new Set(),
  ports: new Map(),
  selectors: new Map(),
  allCluster: 0,
});

/** An address that a Service with these terms can join. The counts spare the search where many share one port. */
export function findJoinable(group: SharingGroup, terms: SharingTerms): SharedHolding | undefined {
  for (const port of terms.ports) if (group.ports.get(port) === group.holdings.size) return undefined;
  const clusterOnly = group.allCluster > 0 && !terms.local;
  if (!clusterOnly && !group.selectors.has(terms.selector)) return undefined;
  for (const holding of group.holdings) if (sharingConflict(holding, terms) === undefined) return holding;
  return undefined;
}

/** `sharingConflict` must have allowed it. */
export function join(
  group: SharingGroup,
  holding: SharedHolding,
  service: ServiceKey,
  terms: SharingTerms,
): void {
  if (holding.members.size === 0) {
    group.holdings.add(holding);
    group.allCluster += 1;
  }
  holding.members.set(service, terms);
  for (const port of terms.ports) {
    holding.ports.set(port, service);
    count(group.ports, port, 1);
  }
  if (terms.local && holding.locals === 0) group.allCluster -= 1;
  if (terms.local) holding.locals += 1;
  if (count(holding.selectors, terms.selector, 1) === 1) count(group.selectors, terms.selector, 1);
}

/** The reverse of `join`. A holding without members leaves the group. */
export function leave(group: SharingGroup, holding: SharedHolding, service: ServiceKey): void {
  const terms = holding.members.get(service);
  if (terms === undefined) throw new Error(`${service} is no member of what it leaves`);
  holding.members.delete(service);
  for (const port of terms.ports) {
    holding.ports.delete(port);
    count(group.ports, port, -1);
  }
  if (terms.local) holding.locals -= 1;
  if (terms.local && holding.locals === 0) group.allCluster += 1;
  if (count(holding.selectors, terms.selector, -1) === 0) count(group.selectors, terms.selector, -1);
  if (holding.members.size === 0) {
    group.holdings.delete(holding);
    group.allCluster -= 1;
  }
}

/** Adds to a count and gives the result; a count of 0 takes no room. */
function count<K>(counts: Map<K, number>, key: K, by: 1 | -1): number {
  const result = (counts.get(key) ?? 0) + by;
  if (result === 0) counts.delete(key);
  else counts.set(key, result);
  return result;
}
