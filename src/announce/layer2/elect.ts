// Who answers for an address now: the first candidate that is alive and reaches the address's link. Pure, and the same
// on every node that sees the same members.
import { type Address, cidrContains } from '../../model/address.ts';
import type { Candidate } from '../plan.ts';
import type { NodeInterface } from './interfaces.ts';

export interface Owner {
  readonly node: string;
  /** On which of its interfaces it answers. */
  readonly interfaces: readonly string[];
}

/**
 * `interfacesOf` tells a live member's interfaces, and undefined for one that is not to be elected. Interfaces that an
 * advertisement names count as they are. Otherwise a node with a link into the address's subnet answers there or not at
 * all, so one whose link is down is passed over, though it be reachable by another; and it goes before nodes that have
 * no such link, which answer on all they have.
 */
export function electOwner(
  address: Address,
  candidates: readonly Candidate[],
  interfacesOf: (node: string) => readonly NodeInterface[] | undefined,
): Owner | undefined {
  let offLink: Owner | undefined;
  for (const { node, interfaces: named } of candidates) {
    const all = interfacesOf(node);
    if (all === undefined) continue;
    const onLink = all.filter(({ subnets }) => subnets.some((subnet) => cidrContains(subnet, address)));
    const wanted =
      named.length > 0 ? all.filter(({ name }) => named.includes(name)) : onLink.length > 0 ? onLink : all;
    const interfaces = wanted.filter(({ up }) => up).map(({ name }) => name);
    if (interfaces.length === 0) continue;
    if (named.length > 0 || onLink.length > 0) return { node, interfaces };
    offLink ??= { node, interfaces };
  }
  return offLink;
}
