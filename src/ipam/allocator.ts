// The allocator's state: who has which address, and who waits for what. Only `plan` changes it.
import type { Address, Family } from '../model/address.ts';
import type { Allocated, Service, ServiceKey } from '../model/service.ts';
import type { ClassPolicy } from './class-policy.ts';
import type { SharingTerms } from './holding.ts';
import { emptyLedger, hold, type Ledger, release } from './ledger.ts';
import type { Outcome } from './outcome.ts';
import { emptyPoolIndex, type PoolIndex, type PoolState } from './pool-index.ts';
import type { AllocationReason } from './reason.ts';
import { nothingProbed, type Probed } from './strangers.ts';
import {
  addressToken,
  emptyWaitingRoom,
  sharingToken,
  spaceToken,
  type Token,
  unpark,
  type WaitingRoom,
} from './waiting.ts';

export interface Allocator {
  readonly policy: ClassPolicy;
  readonly pools: PoolIndex;
  readonly ledger: Ledger;
  /** What nodes have found out about free addresses. */
  probed: Probed;
  /** Pools whose Services have waited for a probe long enough: until one of their addresses is found clear. */
  readonly notAwaited: Set<string>;
  readonly waiting: WaitingRoom;
  /** All Services that are ours. */
  readonly records: Map<ServiceKey, ServiceRecord>;
  readonly ofNamespace: Map<string, Set<ServiceKey>>;
  /** Changes that waiting Services have not been told of yet, by their tokens. */
  readonly news: Map<Token, News>;
  /** The first plan, which takes over what the statuses say, has begun. */
  started: boolean;
}

export interface News {
  readonly token: Token;
  /** Where an address became free, if it is that: worth a try only while one is. */
  readonly space: { readonly pool: string; readonly family: Family } | undefined;
}

export interface ServiceRecord {
  readonly key: ServiceKey;
  readonly namespace: string;
  /** Milliseconds since 1970 of its creation; infinite where that is not known. */
  readonly age: number;
  terms: SharingTerms | undefined;
  pool: PoolState | undefined;
  /** In the order they were given, all of `pool`. */
  addresses: readonly Address[];
  /** Why it has none, or fewer than it wants. */
  reason: AllocationReason | undefined;
}

export const createAllocator = (policy: ClassPolicy): Allocator => ({
  policy,
  pools: emptyPoolIndex(),
  ledger: emptyLedger(),
  probed: nothingProbed,
  notAwaited: new Set(),
  waiting: emptyWaitingRoom(),
  records: new Map(),
  ofNamespace: new Map(),
  news: new Map(),
  started: false,
});
export function addRecord(allocator: Allocator, service: Service): ServiceRecord {
  const { key, namespace } = service;
  const record: ServiceRecord = {
    key,
    namespace,
    age: ageOf(service),
    terms: undefined,
    pool: undefined,
    addresses: [],
    reason: undefined,
  };
  allocator.records.set(key, record);
  const siblings = allocator.ofNamespace.get(namespace);
  if (siblings === undefined) allocator.ofNamespace.set(namespace, new Set([key]));
  else siblings.add(key);
  return record;
}

function ageOf({ creationTimestamp }: Service): number {
  const created = creationTimestamp === undefined ? Number.NaN : Date.parse(creationTimestamp);
  return Number.isNaN(created) ? Number.POSITIVE_INFINITY : created;
}

export const allocationOf = ({ pool, addresses }: ServiceRecord): Allocated => ({
  addresses,
  pool: pool?.pool.name,
});

/** Of a record that was settled: it has an address, or a reason why not. */
export function outcomeOf({ key, pool, addresses, reason }: ServiceRecord): Outcome {
  if (pool !== undefined)
    return { kind: 'allocated', assignment: { addresses, pool: pool.pool.name }, shortfall: reason };
  if (reason === undefined) throw new Error(`${key} has neither an address nor a reason why not`);
  return { kind: 'refused', reason };
}

/** Frees what the Service has, and forgets it. */
export function dropRecord(allocator: Allocator, record: ServiceRecord): void {
  takeBack(allocator, record);
  unpark(allocator.waiting, record.key);
  allocator.records.delete(record.key);
  const siblings = allocator.ofNamespace.get(record.namespace);
  siblings?.delete(record.key);
  if (siblings?.size === 0) allocator.ofNamespace.delete(record.namespace);
}

/** Adds addresses of the pool, which is the record's own where it has one. */
export function give(
  allocator: Allocator,
  record: ServiceRecord,
  pool: PoolState,
  addresses: readonly Address[],
): void {
  for (const address of addresses) {
    const isNew = hold(allocator.ledger, pool, address, record.key, record.terms);
    if (isNew && record.terms !== undefined) announce(allocator, sharingToken(record.terms.key));
  }
  record.addresses = record.pool === undefined ? addresses : [...record.addresses, ...addresses];
  record.pool = pool;
  pool.services.add(record.key);
}

/** Takes all addresses back, and notes what those who wait could do with that. */
export function takeBack(allocator: Allocator, record: ServiceRecord): void {
  const { pool, addresses, terms } = record;
  if (pool === undefined) return;
  for (const address of addresses) {
    release(allocator.ledger, address, record.key);
    if (allocator.waiting.waiters.size === 0) continue;
    const space = { pool: pool.pool.name, family: address.family };
    announce(allocator, spaceToken(space.pool, space.family), space);
    announce(allocator, addressToken(address));
    if (terms !== undefined) announce(allocator, sharingToken(terms.key));
  }
  pool.services.delete(record.key);
  record.addresses = [];
  record.pool = undefined;
}

/** Who begins to wait later sees the change by itself. */
export function announce({ news, waiting }: Allocator, token: Token, space?: News['space']): void {
  if (waiting.queues.has(token)) news.set(token, { token, space });
}
