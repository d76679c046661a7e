// What the steps that follow a Service's address look at: the plans, made anew here, and who really answers.
import { loneNode } from '../../agent/lone-node.ts';
import { type AddressPlan, planAddress } from '../../announce/plan.ts';
import { emptyClaims, updateClaims } from '../../dataplane/claims.ts';
import { type EndpointHealthKey, endpointHealthKey } from '../../dataplane/endpoints.ts';
import { planService, type ServicePlan } from '../../dataplane/plan.ts';
import { type ClassPolicy, notOurs } from '../../ipam/class-policy.ts';
import { formatAddress, sameAddress } from '../../model/address.ts';
import type { Endpoint, EndpointSlice } from '../../model/endpoint-slice.ts';
import type { Service, ServiceKey } from '../../model/service.ts';
import type { World } from '../../model/world.ts';
import type { NodeState } from '../node-state.ts';
import type { Snapshot } from '../snapshot.ts';

export interface Scene {
  readonly snapshot: Snapshot;
  readonly service: Service;
  readonly states: ReadonlyMap<string, NodeState>;
  readonly slices: readonly EndpointSlice[];
  /** One an address of the Service. */
  readonly plans: readonly AddressPlan[];
  /** Who says that it answers, less the dead. */
  readonly owners: readonly NodeState[];
  readonly isHealthy: (slice: EndpointSlice, endpoint: Endpoint) => boolean;
  /** How the node forwards the Service's packets; empty name: what holds on all nodes. */
  forwardingOn(node: string): ServicePlan;
}

export function createScene(
  snapshot: Snapshot,
  policy: ClassPolicy,
  service: Service,
  states: ReadonlyMap<string, NodeState>,
): Scene {
  const world = withLoneNode(snapshot.world, states);
  const slices = [...(world.slicesOfService.get(service.key)?.values() ?? [])];
  const unhealthy = unhealthyOf(snapshot, service.key, slices);
  const isHealthy = (slice: EndpointSlice, endpoint: Endpoint): boolean =>
    !unhealthy.has(endpointHealthKey(slice.key, endpoint.address));

  const sharers = sharersOf(world, policy, service);
  const claims = emptyClaims();
  for (const sharer of sharers) updateClaims(claims, sharer.key, sharer);
  const deadNodes = new Set(
    [...states.values()].filter(({ state }) => state === 'dead').map(({ name }) => name),
  );
  const announcing = snapshot.announcements.get(service.key) ?? [];

  return {
    snapshot,
    service,
    states,
    slices,
    isHealthy,
    plans: service.allocated.addresses.map((address) => {
      const having = sharers.filter(({ allocated }) =>
        allocated.addresses.some((other) => sameAddress(address, other)),
      );
      return planAddress(
        world,
        address,
        having.map(({ key }) => key),
        isHealthy,
      );
    }),
    owners: announcing.flatMap(({ node }) => states.get(node) ?? []).filter(({ state }) => state !== 'dead'),
    forwardingOn: (node) => planService(world, service.key, { node, deadNodes, unhealthy, claims }),
  };
}

const withLoneNode = (world: World, states: ReadonlyMap<string, NodeState>): World =>
  world.nodes.size > 0
    ? world
    : { ...world, nodes: new Map([...states.keys()].map((name) => [name, loneNode(name)])) };

/** Itself, and the Services that are ours and share one of its addresses. */
function sharersOf(world: World, policy: ClassPolicy, service: Service): Service[] {
  const addresses = new Set(service.allocated.addresses.map(formatAddress));
  return [...world.services.values()].filter(
    (other) =>
      notOurs(other, policy) === undefined &&
      other.allocated.addresses.some((address) => addresses.has(formatAddress(address))),
  );
}

/** Endpoints that fail their check by any node's report. */
function unhealthyOf(
  { reports }: Snapshot,
  service: ServiceKey,
  slices: readonly EndpointSlice[],
): Set<EndpointHealthKey> {
  const failing = new Set(
    [...reports.values()]
      .flatMap(({ unhealthyEndpoints }) => unhealthyEndpoints)
      .filter((endpoint) => endpoint.service === service)
      .map(({ address }) => address),
  );
  return new Set(
    slices
      .filter(({ healthCheck }) => healthCheck !== undefined)
      .flatMap((slice) =>
        slice.endpoints
          .filter(({ address }) => failing.has(formatAddress(address)))
          .map(({ address }) => endpointHealthKey(slice.key, address)),
      ),
  );
}
