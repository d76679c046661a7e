// Why an address is not announced, or not by a node: for "why this node?" and "why does nothing answer?".
import type { Family } from '../model/address.ts';
import { type Sentences, sentence } from '../model/reason.ts';

/** Why an address of a Service is announced by no node at all. */
export type AnnounceReason =
  | {
      readonly kind: 'no-advertisement';
      readonly service: string;
      readonly address: string;
      readonly pool: string;
    }
  | { readonly kind: 'address-in-no-pool'; readonly service: string; readonly address: string }
  | { readonly kind: 'no-ready-endpoint'; readonly service: string; readonly family: Family }
  | { readonly kind: 'no-candidate'; readonly service: string; readonly address: string };

/** Why one node is not a candidate for an address. */
export type NodeReason =
  | {
      readonly kind: 'node-selector-mismatch';
      readonly node: string;
      readonly advertisements: readonly string[];
    }
  | { readonly kind: 'node-excluded'; readonly node: string; readonly label: string }
  | { readonly kind: 'node-network-unavailable'; readonly node: string }
  | { readonly kind: 'node-without-gantry'; readonly node: string }
  | {
      readonly kind: 'no-local-endpoint';
      readonly node: string;
      readonly service: string;
      readonly family: Family;
    };

const sentences: Sentences<AnnounceReason | NodeReason> = {
  'no-advertisement': ({ service, address, pool }) =>
    `No L2Advertisement covers ${address} of ${service}, which is of pool ${pool}: add one that names the pool, or none.`,
  'address-in-no-pool': ({ service, address }) =>
    `${address} of ${service} is in no IPAddressPool any more: wait for the controller to assign another, or restore the pool.`,
  'no-ready-endpoint': ({ service, family }) =>
    `${service} has no ready ${family} endpoint, so no node announces its ${family} address: make a pod ready, or look why none is.`,
  'no-candidate': ({ service, address }) =>
    `Every node is ruled out for ${address} of ${service}: look at each node's reason, and widen the advertisement's selectors.`,
  'node-selector-mismatch': ({ node, advertisements }) =>
    `The node selectors of ${advertisements.join(', ')} leave ${node} out: label the node, or widen a selector.`,
  'node-excluded': ({ node, label }) => `${node} has the label ${label}: remove it to let the node announce.`,
  'node-network-unavailable': ({ node }) =>
    `${node} has the condition NetworkUnavailable: repair its network, or set the condition to False.`,
  'node-without-gantry': ({ node }) =>
    `No gantry-pulse runs on ${node}: let the DaemonSet's tolerations and node selector admit the node, if it is to announce.`,
  'no-local-endpoint': ({ node, service, family }) =>
    `${service} has externalTrafficPolicy Local and no ready ${family} endpoint on ${node}: run a pod there, or choose Cluster.`,
};

export const announceSentence = (reason: AnnounceReason | NodeReason): string => sentence(sentences, reason);
