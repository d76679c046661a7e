// The agent's kernel side: adopts what is there, brings the kernel to what the World wants, and looks after it.
import type { DataPlane, SyncResult } from '../dataplane/data-plane.ts';
import type { EndpointHealthKey } from '../dataplane/endpoints.ts';
import type { ServicePlan } from '../dataplane/plan.ts';
import { type DataPlaneReason, dataPlaneSentences } from '../dataplane/reason.ts';
import { type Address, sameAddress } from '../model/address.ts';
import { sentence } from '../model/reason.ts';
import type { ServiceKey } from '../model/service.ts';
import type { EventPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import { createAudits } from './audits.ts';
import { createForwarding } from './forwarding.ts';
import { createHealthCheckNodePorts } from './health-check-node-port.ts';
import { createKernelState, type KernelState } from './kernel-state.ts';
import type { WorldFollower } from './world-follower.ts';

export interface KernelSideOptions {
  readonly node: string;
  readonly follower: WorldFollower;
  readonly dataPlane: DataPlane;
  readonly unhealthy: ReadonlySet<EndpointHealthKey>;
  readonly deadNodes: () => ReadonlySet<string>;
  /** The addresses of this host's interfaces. */
  readonly readOwnAddresses: () => readonly Address[];
  readonly events: EventPort;
  readonly log: Log;
  /** The Service was planned anew, and the kernel has been told. */
  readonly planned: (service: ServiceKey) => void;
  readonly synced: (result: SyncResult) => void;
  /** The kernel cannot be spoken to any more: the agent has to end. */
  readonly crashed: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface KernelSide {
  readonly state: KernelState;
  /** RFC 3339; undefined before the first sync. */
  readonly lastSyncAt: string | undefined;
  /** Resolves once the kernel has been told of all Services that there were when the World became whole. */
  readonly begun: Promise<void>;
  /** The World is whole. */
  begin(): void;
  /** Plans these Services again, at once. */
  touch(services: Iterable<ServiceKey>): void;
  /** This node's object may be another. */
  nodeChanged(): void;
}

const auditMilliseconds = 10_000;

export function createKernelSide(options: KernelSideOptions): KernelSide {
  const { node, follower, dataPlane, log, signal } = options;
  const { world } = follower;
  let ownAddresses: readonly Address[] = [];
  const state = createKernelState((address) => ownAddresses.some((own) => sameAddress(own, address)));
  const begun = Promise.withResolvers<void>();
  let lastSyncAt: string | undefined;
  let flowsProblem: DataPlaneReason | undefined;

  const healthCheckPorts = createHealthCheckNodePorts({
    isForwarding: (service) => !state.failures.has(service),
    log,
    signal,
  });

  const done = (key: ServiceKey, plan: ServicePlan, failure: DataPlaneReason | undefined): void => {
    const service = world.services.get(key);
    if (failure !== undefined && state.failures.get(key)?.kind !== failure.kind) complain(key, failure);
    if (service === undefined && failure === undefined) state.forget(key);
    else state.done(key, plan.frontends, failure);
    const port = service?.externalTrafficPolicy === 'Local' ? service.healthCheckNodePort : undefined;
    healthCheckPorts.update(key, port === undefined ? undefined : { port, count: plan.localReadyEndpoints });
    options.planned(key);
  };

  const complain = (service: ServiceKey, failure: DataPlaneReason): void => {
    const message = sentence(dataPlaneSentences, failure);
    log.warn('service-not-forwarded', { service, kind: failure.kind, next: message });
    const [namespace = '', name = ''] = service.split('/', 2);
    const about = { kind: 'Service', namespace, name } as const;
    options.events.record({
      ...about,
      type: 'Warning',
      reason: 'announceFailed',
      message: `On node ${node}: ${message}`,
    });
  };

  /** Once, until it works again. */
  const complainAboutFlows = (problem: DataPlaneReason | undefined): void => {
    if (problem !== undefined && flowsProblem === undefined) {
      log.warn('flows-not-ended', { kind: problem.kind, next: sentence(dataPlaneSentences, problem) });
    }
    flowsProblem = problem;
  };

  const forwarding = createForwarding({
    world,
    node,
    claims: follower.claims,
    unhealthy: options.unhealthy,
    deadNodes: options.deadNodes,
    dataPlane,
    done,
    synced(result) {
      lastSyncAt = new Date().toISOString();
      complainAboutFlows(result.flowsProblem);
      options.synced(result);
    },
    crashed: options.crashed,
    signal,
  });

  const setPodCidrs = (): Promise<void> => dataPlane.setPodCidrs(world.nodes.get(node)?.podCidrs ?? []);

  const begin = async (): Promise<void> => {
    ownAddresses = options.readOwnAddresses();
    const adoption = await dataPlane.adopt();
    log.info('kernel-adopted', { ...adoption, mode: dataPlane.mode });
    await setPodCidrs();
    // Who has an endpoint here can be served by this node alone, whatever becomes of the others.
    const local = follower.servicesOn(node);
    const others = [...world.services.keys()].filter((key) => !local.has(key));
    forwarding.begin([...local, ...others], adoption.found === 'ours');
    await forwarding.idle();
    log.info('kernel-in-line', { services: world.services.size, frontends: state.frontends });
    begun.resolve();
    auditLater();
  };

  const auditLater = (): void => {
    setTimeout(() => audit().catch(options.crashed), auditMilliseconds).unref();
  };

  const makeAudits = createAudits(dataPlane, () => performance.now());

  const audit = async (): Promise<void> => {
    if (signal.aborted) return;
    const repaired = await makeAudits();
    if (repaired > 0) {
      const next =
        'Another program changes the nftables table inet gantry: find it (nft monitor) and keep it away.';
      log.warn('kernel-repaired', { frontends: repaired, next });
    }
    if (state.failures.size > 0) forwarding.revisit(state.failures.keys());
    auditLater();
  };

  return {
    state,
    get lastSyncAt() {
      return lastSyncAt;
    },
    begun: begun.promise,
    begin: () => void begin().catch(options.crashed),
    touch: forwarding.touch,
    nodeChanged() {
      ownAddresses = options.readOwnAddresses();
      setPodCidrs().catch(options.crashed);
    },
  };
}
