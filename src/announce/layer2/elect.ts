// Who answers for an address now: the first candidate that is alive and reaches the address's link. Pure, and the same
// on every node that sees the same members.
import { type Address, cidrContains } from '../../model/address.ts';
import type { Candidate } from '../plan.ts';
import type { UsableInterface } from './interfaces.ts';

export interface Owner {
  readonly node: string;
  /** On which of its interfaces it answers. */
  readonly interfaces: readonly string[];
}

/**
 * `interfacesOf` tells a live member's usable interfaces, and undefined for one that is not to be elected. Interfaces
 * that an advertisement names count as they are. Otherwise a link whose subnet holds the address goes before all
 * others: so a node whose link to that subnet is down is passed over, though it be reachable by another.
 */
export function electOwner(
  address: Address,
  candidates: readonly Candidate[],
  interfacesOf: (node: string) => readonly UsableInterface[] | undefined,
): Owner | undefined {
  let offLink: Owner | undefined;
  for (const { node, interfaces: named } of candidates) {
    const usable = interfacesOf(node) ?? [];
    if (named.length > 0) {
      const interfaces = namesOf(usable.filter(({ name }) => named.includes(name)));
      if (interfaces.length > 0) return { node, interfaces };
      continue;
    }
    const onLink = usable.filter(({ subnets }) => subnets.some((subnet) => cidrContains(subnet, address)));
    if (onLink.length > 0) return { node, interfaces: namesOf(onLink) };
    if (usable.length > 0) offLink ??= { node, interfaces: namesOf(usable) };
  }
  return offLink;
}

const namesOf = (interfaces: readonly UsableInterface[]): string[] => interfaces.map(({ name }) => name);
