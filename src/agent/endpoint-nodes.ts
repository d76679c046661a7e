// Which Services have endpoints on which node: when a node dies, only these are planned again.
import type { EndpointSlice } from '../model/endpoint-slice.ts';
import type { ServiceKey } from '../model/service.ts';

export interface EndpointNodes {
  /** The Service's slices as they are now; none: it has no endpoints. */
  update(service: ServiceKey, slices: Iterable<EndpointSlice>): void;
  servicesOn(node: string): ReadonlySet<ServiceKey>;
}

const none: ReadonlySet<ServiceKey> = new Set();

export function createEndpointNodes(): EndpointNodes {
  const servicesOf = new Map<string, Set<ServiceKey>>();
  const nodesOf = new Map<ServiceKey, ReadonlySet<string>>();
  return {
    update(service, slices) {
      const before = nodesOf.get(service) ?? none;
      const after = nodesIn(slices);
      for (const node of before) if (!after.has(node)) removeFrom(servicesOf, node, service);
      for (const node of after) if (!before.has(node)) addTo(servicesOf, node, service);
      if (after.size > 0) nodesOf.set(service, after);
      else nodesOf.delete(service);
    },
    servicesOn: (node) => servicesOf.get(node) ?? none,
  };
}

function nodesIn(slices: Iterable<EndpointSlice>): Set<string> {
  const nodes = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { nodeName } of endpoints) if (nodeName !== undefined) nodes.add(nodeName);
  }
  return nodes;
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}

function removeFrom(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  values?.delete(value);
  if (values?.size === 0) index.delete(key);
}
