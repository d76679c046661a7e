// A World with an allocator, changed step by step: for tests that tell what happens by example.
import { formatAddress } from '../model/address.ts';
import type { Pool } from '../model/pool.ts';
import { sampleAddress } from '../model/sample.ts';
import type { LabelSelector } from '../model/selector.ts';
import type { AddressRequest, Service } from '../model/service.ts';
import { applyBatch, type Change, nothingTouched, type World } from '../model/world.ts';
import { type Allocator, allocationOf, createAllocator } from './allocator.ts';
import type { ClassPolicy } from './class-policy.ts';
import { type Decision, nothingAllocated } from './outcome.ts';
import { plan } from './plan.ts';
import { putPool, putService, sampleWorld } from './sample.ts';
import { poolUsage } from './usage.ts';

export const anyClass: ClassPolicy = { loadBalancerClass: undefined, required: false };
export const selects = (label: string): LabelSelector[] => [
  { matchLabels: { [label]: 'yes' }, matchExpressions: [] },
];
export const asks = (...addresses: string[]): Pick<AddressRequest, 'addresses'> => ({
  addresses: addresses.map(sampleAddress),
});

/** A World with an allocator; each call plans and gives the last decision on each Service. */
export class Scene {
  readonly world: World;
  allocator: Allocator;

  constructor(pools: readonly Pool[], services: readonly Service[] = [], policy = anyClass) {
    this.world = sampleWorld(pools, services);
    this.allocator = createAllocator(policy);
  }

  start(): Map<string, Decision> {
    return decisions(plan(this.allocator, this.world, nothingTouched()));
  }

  change(...changes: Change[]): Map<string, Decision> {
    if (!this.allocator.started) this.start();
    return decisions(plan(this.allocator, this.world, applyBatch(this.world, { changes, complete: true })));
  }

  put(...services: Service[]): Map<string, Decision> {
    return this.change(...services.map(putService));
  }

  putPools(...pools: Pool[]): Map<string, Decision> {
    return this.change(...pools.map(putPool));
  }

  /** A new allocator over the same World, in which the statuses say what the old one decided. */
  restart(): Map<string, Decision> {
    for (const [key, service] of this.world.services) {
      const record = this.allocator.records.get(key);
      const allocated = record === undefined ? nothingAllocated : allocationOf(record);
      this.world.services.set(key, { ...service, allocated });
    }
    this.allocator = createAllocator(this.allocator.policy);
    return this.start();
  }

  delete(key: string): Map<string, Decision> {
    return this.change({ kind: 'Service', key, object: undefined });
  }

  usage(pool: string): string {
    const usage = poolUsage(this.allocator).find((each) => each.pool === pool);
    if (usage === undefined) throw new Error(`there is no pool ${pool}`);
    const { IPv4, IPv6 } = usage.families;
    return `${usage.services} Services, ${IPv4.inUse} of ${IPv4.size} IPv4, ${IPv6.inUse} of ${IPv6.size} IPv6`;
  }

  /** What a Service has, as in `192.0.2.1+2001:db8::1 from pool`. */
  has(key: string): string | undefined {
    const record = this.allocator.records.get(key);
    if (record?.pool === undefined) return undefined;
    return `${record.addresses.map(formatAddress).join('+')} from ${record.pool.pool.name}`;
  }
}

function decisions(steps: Iterable<Decision | undefined>): Map<string, Decision> {
  const found = new Map<string, Decision>();
  for (const decision of steps) if (decision !== undefined) found.set(decision.service, decision);
  return found;
}

/** The kind of the reason for a refusal, a shortfall, or being another's. */
export function reasonOf(decided: Map<string, Decision>, key: string): string | undefined {
  const outcome = decided.get(key)?.outcome;
  if (outcome === undefined || outcome.kind === 'gone') return undefined;
  return outcome.kind === 'allocated' ? outcome.shortfall?.kind : outcome.reason.kind;
}
