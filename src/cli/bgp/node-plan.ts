// What a node plans to announce by BGP, made anew from the objects and from what its agent reports.
import { type BgpAddressPlan, planBgpAddress } from '../../announce/bgp/plan.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { Endpoint, EndpointSlice } from '../../model/endpoint-slice.ts';
import type { ServiceKey } from '../../model/service.ts';
import type { World } from '../../model/world.ts';

/** The addresses of all Services, each once. */
export function addressesIn(world: World): Map<string, { address: Address; services: ServiceKey[] }> {
  const found = new Map<string, { address: Address; services: ServiceKey[] }>();
  for (const { key, type, allocated } of world.services.values()) {
    if (type !== 'LoadBalancer') continue;
    for (const address of allocated.addresses) {
      const text = formatAddress(address);
      const entry = found.get(text) ?? { address, services: [] };
      entry.services.push(key);
      found.set(text, entry);
    }
  }
  return found;
}

export function planOn(
  report: NodeReport,
  world: World,
  address: Address,
  services: readonly ServiceKey[],
): BgpAddressPlan {
  const failed = new Set(report.dataPlane.failed.map(({ service }) => service));
  const unhealthy = new Set(
    report.unhealthyEndpoints.map((endpoint) => `${endpoint.service} ${endpoint.address}`),
  );
  const isHealthy = (slice: EndpointSlice, endpoint: Endpoint): boolean =>
    slice.healthCheck === undefined || !unhealthy.has(`${slice.service} ${formatAddress(endpoint.address)}`);
  const context = {
    world,
    node: report.node,
    isHealthy,
    isForwarded: (service: ServiceKey) => !failed.has(service),
    isDrained: report.pulse.draining ?? false,
    isLeaving: false,
  };
  return planBgpAddress(context, address, services);
}
