// Brings addresses and statuses in line with what the source tells, batch by batch.
import { type Allocator, createAllocator } from '../ipam/allocator.ts';
import type { ClassPolicy } from '../ipam/class-policy.ts';
import { plan } from '../ipam/plan.ts';
import { poolUsage, waitingByReason } from '../ipam/usage.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import { applyBatch, type ChangeBatch, emptyWorld, type Touched } from '../model/world.ts';
import { Slicer } from '../sources/slice.ts';
import type { AllocatorView } from './metrics.ts';
import type { ServiceStatuses } from './service-statuses.ts';
import type { StatusWriter } from './status-writer.ts';

/** So many steps of a plan take well under a millisecond: the clock is looked at in between. */
const stepsAtOnce = 32;

export interface ReconcilerOptions {
  readonly policy: ClassPolicy;
  readonly writer: StatusWriter;
  readonly services: ServiceStatuses;
  /** What the status of a Service that is gone says it has. */
  readonly claimed: (service: ServiceKey) => Promise<Allocated>;
}

export class Reconciler {
  readonly #world = emptyWorld();
  readonly #allocator: Allocator;
  readonly #options: ReconcilerOptions;
  readonly #slicer = new Slicer();
  readonly #givenUp = new Set<string>();
  #isPlanning = false;
  #isViewOld = false;
  #view: AllocatorView = { pools: [], waiting: new Map() };

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#allocator = createAllocator(options.policy);
  }

  /** As the last plan left it; during a plan, as it was when it was last looked at. */
  get view(): AllocatorView {
    if (this.#isViewOld && !this.#isPlanning) {
      this.#view = { pools: poolUsage(this.#allocator), waiting: waitingByReason(this.#allocator) };
      this.#isViewOld = false;
    }
    return this.#view;
  }

  /** True once the first list is whole: before that nothing is decided. */
  get isComplete(): boolean {
    return this.#world.complete;
  }

  /** Pools with Services that wait for a probe. */
  get poolsAwaitingProbes(): ReadonlySet<string> {
    const { waiting, records } = this.#allocator;
    const reasons = [...waiting.waiters.keys()].flatMap((key) => records.get(key)?.reason ?? []);
    return new Set(reasons.flatMap((reason) => (reason.kind === 'probe-pending' ? reason.pool : [])));
  }

  /** From the next batch on these pools give addresses that nobody has probed. */
  awaitNoLonger(pools: Iterable<string>): void {
    for (const pool of pools) this.#givenUp.add(pool);
  }

  /** Handles batches as one; the next must wait until it resolves, for a plan needs a World that stands still. */
  async handle(batches: readonly ChangeBatch[]): Promise<void> {
    const touched = merged(batches.map((batch) => applyBatch(this.#world, batch)));
    if (!this.#world.complete) return;
    for (const pool of this.#givenUp) {
      this.#allocator.notAwaited.add(pool);
      touched.pools.add(pool);
    }
    this.#givenUp.clear();
    const { writer, services, claimed } = this.#options;
    this.#slicer.begin();
    this.#isPlanning = true;
    writer.hold();
    let steps = 0;
    for (const decision of plan(this.#allocator, this.#world, touched)) {
      if (decision !== undefined) services.report(decision, this.#world.services.get(decision.service));
      steps += 1;
      if (steps % stepsAtOnce === 0) await this.#slicer.pause();
    }
    await services.removeLeftOvers(claimed);
    // Not after a defect in the plan: half a plan written could give an address twice.
    writer.release();
    this.#isPlanning = false;
    this.#isViewOld = true;
  }
}

/** What a plan of addresses looks at. */
const planned = ['services', 'nodes', 'namespaces', 'pools', 'addressProbes'] as const;

function merged(all: readonly Touched[]): Touched {
  const [first, ...others] = all;
  if (first === undefined) throw new RangeError('there is nothing to handle');
  for (const other of others) {
    for (const name of planned) for (const key of other[name]) first[name].add(key);
  }
  return first;
}
