// Nodes and namespaces: what selectors and elections read of them.
import type { Address, Cidr } from './address.ts';
import type { Labels } from './selector.ts';

export interface Node {
  readonly name: string;
  readonly labels: Labels;
  /** The InternalIP addresses, at most one a family, in the object's order. */
  readonly addresses: readonly Address[];
  readonly podCidrs: readonly Cidr[];
  /** The condition NetworkUnavailable is True. */
  readonly networkUnavailable: boolean;
  /** Gantry runs there, dead or alive: it counts when the members vote, and may announce. */
  readonly isMember: boolean;
}

/** A node with this label does not announce (its value is of no matter). */
export const excludeFromLoadBalancersLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}
