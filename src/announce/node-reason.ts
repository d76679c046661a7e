// Why a node may not announce an address of a Service, by whichever protocol.
import type { Family } from '../model/address.ts';
import { excludeFromLoadBalancersLabel, type Node } from '../model/node.ts';
import type { Service } from '../model/service.ts';
import type { NodeReason } from './reason.ts';

interface Named {
  readonly name: string;
}

/** `matching` cover the address, `admitting` are those of them that select the node; undefined: it may announce. */
export function nodeReason(
  node: Node,
  service: Service,
  family: Family,
  matching: readonly Named[],
  admitting: readonly Named[],
  usableNodes: ReadonlyMap<string, number>,
): NodeReason | undefined {
  if (Object.hasOwn(node.labels, excludeFromLoadBalancersLabel)) {
    return { kind: 'node-excluded', node: node.name, label: excludeFromLoadBalancersLabel };
  }
  if (!node.isMember) return { kind: 'node-without-gantry', node: node.name };
  if (node.networkUnavailable) return { kind: 'node-network-unavailable', node: node.name };
  if (admitting.length === 0) {
    const advertisements = matching.map(({ name }) => name).sort();
    return { kind: 'node-selector-mismatch', node: node.name, advertisements };
  }
  if (service.externalTrafficPolicy === 'Local' && !usableNodes.has(node.name)) {
    return { kind: 'no-local-endpoint', node: node.name, service: service.key, family };
  }
  return undefined;
}
