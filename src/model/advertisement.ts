// L2Advertisements: which pools' addresses are answered for on layer 2, on which nodes and interfaces.
import type { LabelSelector, Labels } from './selector.ts';

export interface L2Advertisement {
  readonly name: string;
  readonly labels: Labels;
  /** With no pool named and no pool selector, all pools. */
  readonly pools: readonly string[];
  readonly poolSelectors: readonly LabelSelector[];
  /** Empty: all nodes. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Interface names; empty: all usable interfaces. */
  readonly interfaces: readonly string[];
  /** Empty: all Services. */
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly PreferredNodeSelector[];
  /** Each neighbour is answered by one of several nodes, instead of all by one. */
  readonly spread: boolean;
}

/** The weights of all preferences that match a node are added; the node with the highest sum is preferred. */
export interface PreferredNodeSelector {
  /** 1–100. */
  readonly weight: number;
  readonly preference: LabelSelector;
}
