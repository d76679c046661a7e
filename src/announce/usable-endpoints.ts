// Which endpoints of a Service an address may lead to, and where they are.
import type { Family } from '../model/address.ts';
import type { Endpoint, EndpointSlice } from '../model/endpoint-slice.ts';
import type { Service } from '../model/service.ts';
import type { World } from '../model/world.ts';

/** Whether a check of ours, where the slice has one, calls the endpoint healthy. */
export type IsHealthy = (slice: EndpointSlice, endpoint: Endpoint) => boolean;

/**
 * How many endpoints of the address's family can be used (nothing translates between families), and how many on which node:
 * those that are ready, or, where none is, those that still serve
 * while they terminate (the data plane falls back on the same).
 */
export function usableNodes(
  world: World,
  service: Service,
  family: Family,
  isHealthy: IsHealthy,
): { total: number; nodes: Map<string, number> } {
  const healthy: Endpoint[] = [];
  for (const slice of world.slicesOfService.get(service.key)?.values() ?? []) {
    if (slice.family !== family) continue;
    healthy.push(...slice.endpoints.filter((endpoint) => isHealthy(slice, endpoint)));
  }
  const ready = healthy.filter((endpoint) => endpoint.ready || service.publishNotReadyAddresses);
  const usable =
    ready.length > 0 ? ready : healthy.filter((endpoint) => endpoint.serving && endpoint.terminating);
  const nodes = new Map<string, number>();
  for (const { nodeName } of usable)
    if (nodeName !== undefined) nodes.set(nodeName, (nodes.get(nodeName) ?? 0) + 1);
  return { total: usable.length, nodes };
}
