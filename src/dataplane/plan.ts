// One Service's frontends on this node, from the World: pure, and by key, so a change costs what it touches.
import type { Family } from '../model/address.ts';
import type { Service, ServiceKey, ServicePort } from '../model/service.ts';
import type { World } from '../model/world.ts';
import { type Claims, ownerOfFrontend } from './claims.ts';
import { type Candidate, candidatesOf, type EndpointContext, usable } from './endpoints.ts';
import type { DataPlaneReason } from './reason.ts';
import { type Backend, type Frontend, frontendKey } from './table.ts';

export interface PlanContext extends EndpointContext {
  /** Kept up to date by `updateClaims` for every Service that is ours. */
  readonly claims: Claims;
}

export interface ServicePlan {
  readonly frontends: readonly Frontend[];
  readonly reasons: readonly DataPlaneReason[];
  /** Ready endpoint addresses on this node: what the health check node port answers. */
  readonly localReadyEndpoints: number;
}

const nothing: ServicePlan = { frontends: [], reasons: [], localReadyEndpoints: 0 };
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';

/** Only the addresses that a LoadBalancer Service has been given become frontends; without one the plan is empty. */
export function planService(world: World, key: ServiceKey, context: PlanContext): ServicePlan {
  const service = world.services.get(key);
  if (service?.type !== 'LoadBalancer' || service.allocated.addresses.length === 0) return nothing;
  const proxy = service.labels[proxyNameLabel];
  if (proxy !== undefined)
    return { ...nothing, reasons: [{ kind: 'other-service-proxy', service: key, proxy }] };

  const frontends: Frontend[] = [];
  const reasons: DataPlaneReason[] = [];
  const localReady = new Set<bigint>();
  const families = new Set(service.allocated.addresses.map((address) => address.family));
  for (const family of families) {
    for (const port of service.ports) {
      const plan = planPort(world, service, port, family, context);
      for (const address of plan.localReady) localReady.add(address);
      let served = false;
      for (const address of service.allocated.addresses) {
        if (address.family !== family) continue;
        const { protocol, port: number } = port;
        const frontend = frontendKey({ address, protocol, port: number });
        const by = ownerOfFrontend(context.claims, frontend, world) ?? key;
        if (by !== key) reasons.push({ kind: 'frontend-taken', service: key, frontend, by });
        else {
          frontends.push({ ...plan.shared, address, protocol, port: number });
          served = true;
        }
      }
      if (served) reasons.push(...plan.reasons);
    }
  }
  return { frontends, reasons, localReadyEndpoints: localReady.size };
}

interface PortPlan {
  /** What the port's frontends of one family have in common. */
  readonly shared: Omit<Frontend, 'address' | 'protocol' | 'port'>;
  readonly reasons: readonly DataPlaneReason[];
  readonly localReady: readonly bigint[];
}

function planPort(
  world: World,
  service: Service,
  port: ServicePort,
  family: Family,
  context: PlanContext,
): PortPlan {
  const slices = [...(world.slicesOfService.get(service.key)?.values() ?? [])];
  const candidates = candidatesOf(
    slices,
    { name: port.name, protocol: port.protocol, family },
    service.publishNotReadyAddresses,
    context,
  );
  const local = candidates.filter((candidate) => candidate.backend.local);
  const insideCandidates = usable(candidates);
  const outsideCandidates = service.externalTrafficPolicy === 'Local' ? usable(local) : insideCandidates;
  const inside = insideCandidates.map(backendOf);
  const outside = outsideCandidates === insideCandidates ? inside : outsideCandidates.map(backendOf);
  const chosen = new Set<Candidate>([...insideCandidates, ...outsideCandidates]);

  const ofPort = { service: service.key, port: port.name || String(port.port), family };
  const reasons: DataPlaneReason[] = [];
  if (inside.length === 0) {
    const offered = slices
      .filter((slice) => slice.family === family && slice.endpoints.length > 0)
      .flatMap((slice) => slice.ports.map((slicePort) => `${slicePort.name || '""'}/${slicePort.protocol}`));
    if (candidates.length > 0)
      reasons.push({ kind: 'no-ready-endpoints', ...ofPort, endpoints: candidates.length });
    else if (offered.length > 0)
      reasons.push({
        kind: 'port-not-in-endpoint-slices',
        ...ofPort,
        port: port.name,
        protocol: port.protocol,
        offered: [...new Set(offered)].sort(),
      });
    else reasons.push({ kind: 'no-endpoints', ...ofPort });
  } else {
    if (outside.length === 0) reasons.push({ kind: 'no-local-endpoints', ...ofPort, node: context.node });
    if (insideCandidates.every((candidate) => candidate.nodeIsDead)) {
      const nodes = insideCandidates.flatMap(({ nodeName }) => (nodeName === undefined ? [] : [nodeName]));
      reasons.push({
        kind: 'only-endpoints-on-dead-nodes',
        ...ofPort,
        nodes: [...new Set(nodes)].sort(),
      });
    }
    if ([...chosen].some((candidate) => !candidate.ready))
      reasons.push({ kind: 'only-terminating-endpoints', ...ofPort });
  }

  const { affinityTimeoutSeconds: timeoutSeconds, loadBalancerSourceRanges: ranges } = service;
  return {
    shared: {
      service: service.key,
      portName: port.name,
      policy: service.externalTrafficPolicy,
      outside,
      inside,
      draining: candidates
        .filter((candidate) => isServing(candidate) && !chosen.has(candidate))
        .map(backendOf),
      sourceRanges: ranges.length === 0 ? undefined : ranges.filter((cidr) => cidr.address.family === family),
      affinity:
        timeoutSeconds === undefined
          ? undefined
          : {
              scope: `${service.key}:${port.name}:${family}:${service.externalTrafficPolicy}`,
              timeoutSeconds,
            },
    },
    reasons,
    localReady: local.filter(({ ready }) => ready).map(({ backend }) => backend.address.value),
  };
}

const backendOf = (candidate: Candidate): Backend => candidate.backend;

/** What it has may live on: an endpoint on a dead node can serve nothing. */
const isServing = (candidate: Candidate): boolean =>
  (candidate.ready || candidate.servingTerminating) && !candidate.nodeIsDead;
