// Keeps the kernel's forwarding in line with the World: plans what was touched, and hands it to the data plane.
import type { Claims } from '../dataplane/claims.ts';
import type { DataPlane, SyncResult } from '../dataplane/data-plane.ts';
import type { EndpointHealthKey } from '../dataplane/endpoints.ts';
import { planService, type ServicePlan } from '../dataplane/plan.ts';
import type { DataPlaneReason } from '../dataplane/reason.ts';
import type { ServiceKey } from '../model/service.ts';
import type { World } from '../model/world.ts';
import { startTimeSlice } from './time-slice.ts';

export interface ForwardingOptions {
  readonly world: World;
  readonly node: string;
  readonly claims: Claims;
  readonly unhealthy: ReadonlySet<EndpointHealthKey>;
  readonly deadNodes: () => ReadonlySet<string>;
  readonly dataPlane: Pick<DataPlane, 'sync'>;
  /** The Service was planned anew, and the kernel has been told; without success if `failure` says why. */
  readonly done: (service: ServiceKey, plan: ServicePlan, failure: DataPlaneReason | undefined) => void;
  /** A batch is in the kernel, as far as the kernel would. */
  readonly synced: (result: SyncResult) => void;
  /** The data plane threw: nothing more is done. */
  readonly crashed: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface Forwarding {
  /**
   * The first of all: these are all Services, the most urgent first. `atOnce`: as one batch, because what the kernel
   * has from before, and no longer is, goes with the first batch.
   */
  begin(services: Iterable<ServiceKey>, atOnce: boolean): void;
  /** What a change touched: planned at once, before what still waits; but not before the beginning. */
  touch(services: Iterable<ServiceKey>): void;
  /** What may be planned again when there is nothing else to do. */
  revisit(services: Iterable<ServiceKey>): void;
  /** Resolves once nothing waits. */
  idle(): Promise<void>;
}

/** Services of one batch at most: what comes in meanwhile waits for no more than these. */
const batchSize = 256;

export function createForwarding(options: ForwardingOptions): Forwarding {
  const { world, node, claims, unhealthy, deadNodes, dataPlane, done, synced, crashed, signal } = options;
  const urgent = new Set<ServiceKey>();
  const backlog = new Set<ServiceKey>();
  let working: Promise<void> | undefined;
  let hasBegun = false;
  let isFirst = true;
  let firstBatchSize = batchSize;

  const take = (): ServiceKey | undefined => {
    for (const queue of [urgent, backlog]) {
      for (const key of queue) {
        urgent.delete(key);
        backlog.delete(key);
        return key;
      }
    }
    return undefined;
  };

  const planBatch = async (limit: number): Promise<Map<ServiceKey, ServicePlan>> => {
    const slice = startTimeSlice();
    const plans = new Map<ServiceKey, ServicePlan>();
    while (plans.size < limit) {
      const key = take();
      if (key === undefined) break;
      plans.set(key, planService(world, key, { node, deadNodes: deadNodes(), unhealthy, claims }));
      if (slice.isOver()) await slice.next();
    }
    return plans;
  };

  const work = async (): Promise<void> => {
    while ((isFirst || urgent.size + backlog.size > 0) && !signal.aborted) {
      const plans = await planBatch(isFirst ? firstBatchSize : batchSize);
      const changes = new Map([...plans].map(([key, { frontends }]) => [key, frontends]));
      const result = await dataPlane.sync(changes, isFirst ? 'everything' : 'changes');
      isFirst = false;
      synced(result);
      for (const [key, plan] of plans) done(key, plan, result.failed.get(key));
    }
  };

  const start = (): void => {
    if (!hasBegun || working !== undefined || signal.aborted) return;
    working = work()
      .catch((error: unknown) => {
        hasBegun = false;
        crashed(error);
      })
      .finally(() => {
        working = undefined;
        if (urgent.size + backlog.size > 0) start();
      });
  };

  const queue = (into: Set<ServiceKey>, services: Iterable<ServiceKey>): void => {
    for (const key of services) into.add(key);
    start();
  };

  return {
    begin(services, atOnce) {
      if (atOnce) firstBatchSize = Number.POSITIVE_INFINITY;
      hasBegun = true;
      queue(backlog, services);
    },
    touch: (services) => queue(urgent, services),
    revisit: (services) => queue(backlog, services),
    async idle() {
      while (working !== undefined) await working;
    },
  };
}
