// Plans anew what changed: who keeps an address, who gets one, and who waits for what.

import { Heap } from '../collections/heap.ts';
import { type Address, type AddressRange, rangeContains, sameAddress } from '../model/address.ts';
import type { Allocated, Service, ServiceKey } from '../model/service.ts';
import type { Touched, World } from '../model/world.ts';
import {
  type Allocator,
  addRecord,
  allocationOf,
  dropRecord,
  give,
  type News,
  outcomeOf,
  type ServiceRecord,
  takeBack,
} from './allocator.ts';
import { notOurs } from './class-policy.ts';
import { availableIn } from './free-space.ts';
import { sharingTerms } from './holding.ts';
import { keepClaimed } from './keep.ts';
import {
  type Decision,
  type Loss,
  noLosses,
  nothingAllocated,
  sameAllocation,
  sameReason,
} from './outcome.ts';
import { type Resized, replacePools, resizedPools } from './pool-index.ts';
import type { AllocationReason } from './reason.ts';
import { unusableRequest } from './request.ts';
import type { Supply } from './seek.ts';
import { settle } from './settle.ts';
import { probedBy } from './strangers.ts';
import { keepAside, leaveAside, takeProbed } from './take-probed.ts';
import { isBefore, nextWaiter, type Turn, unpark } from './waiting.ts';

/** One Service that is being looked at. */
interface Examination extends Turn {
  readonly service: Service;
  readonly record: ServiceRecord;
  /** Its own object changed: it leaves rather than those whose object did not, and is always reported. */
  readonly touched: boolean;
  readonly before: Allocated;
  readonly reasonBefore: AllocationReason | undefined;
  lost: readonly Loss[];
}

/** A Service that waits may try again because of the news. */
interface Wake extends Turn {
  readonly news: News;
}

interface Run {
  readonly allocator: Allocator;
  readonly world: World;
  readonly supply: Supply;
  /** Those who have addresses, or had by their status, and may keep them. */
  readonly claims: Heap<Examination>;
  /** Those who lack an address. */
  readonly tasks: Heap<Examination | Wake>;
}

/**
 * Brings the allocator in line with the World after a change, and yields a decision for each touched Service and for
 * each other one whose outcome changed; a later decision on a Service replaces an earlier one. Yields undefined in
 * between, so that whoever runs it can pause anywhere; until it has ended, the World must not change. The first plan
 * looks at all Services, and lets those keep their addresses whose status says they have them: of two rivals the older.
 */
export function* plan(
  allocator: Allocator,
  world: World,
  touched: Touched,
): Generator<Decision | undefined, void, void> {
  const { ledger, pools } = allocator;
  const isFirst = !allocator.started;
  const before = allocator.probed;
  const isProbedAnew = isFirst || touched.addressProbes.size + touched.nodes.size > 0;
  const probed = isProbedAnew ? probedBy(world.addressProbes, world.nodes) : before;
  allocator.probed = probed;
  const run: Run = {
    allocator,
    world,
    supply: { ledger, pools, probed, notAwaited: allocator.notAwaited, namespaces: world.namespaces },
    claims: new Heap(claimsBefore),
    tasks: new Heap<Examination | Wake>(isBefore),
  };
  allocator.started = true;
  const resized = resizedPools(pools, touched.pools, world.pools);
  for (const key of isFirst ? world.services.keys() : examinedKeys(allocator, touched, resized))
    yield begin(run, key, isFirst || touched.services.has(key));
  leaveAside(allocator, resized);
  const fresh = replacePools(pools, isFirst ? world.pools.keys() : touched.pools, world.pools, resized);
  keepAside(allocator, fresh);
  if (isProbedAnew) takeProbed(allocator, before, probed);
  for (let claim = run.claims.pop(); claim !== undefined; claim = run.claims.pop()) yield keep(run, claim);
  do {
    spreadNews(run);
    for (let task = run.tasks.pop(); task !== undefined; task = run.tasks.pop()) yield perform(run, task);
  } while (allocator.news.size > 0);
}

/**
 * Each key once. All who wait for an address, and all who have one of a changed pool, may fare otherwise with it; where
 * only ranges changed, of the latter those with an address in what was removed.
 */
function* examinedKeys(
  allocator: Allocator,
  touched: Touched,
  resized: ReadonlyMap<string, Resized>,
): Generator<ServiceKey, void, void> {
  const { pools, waiting, records } = allocator;
  const seen = new Set<ServiceKey>();
  const sources: Iterable<ServiceKey>[] = [touched.services];
  for (const name of touched.pools) {
    const services = pools.byName.get(name)?.services ?? [];
    const removed = resized.get(name)?.removed;
    sources.push(removed === undefined ? services : holdersIn(allocator, services, removed));
  }
  if (touched.pools.size > 0) sources.push(waiting.waiters.keys());
  if (pools.selectsNamespaces)
    for (const name of touched.namespaces) sources.push(allocator.ofNamespace.get(name) ?? []);
  for (const source of sources) {
    for (const key of source) {
      if (seen.has(key) || (source !== touched.services && !records.has(key))) continue;
      seen.add(key);
      yield key;
    }
  }
}

function holdersIn(
  { records }: Allocator,
  services: Iterable<ServiceKey>,
  ranges: readonly AddressRange[],
): ServiceKey[] {
  if (ranges.length === 0) return [];
  const isIn = (address: Address): boolean => ranges.some((range) => rangeContains(range, address));
  return [...services].filter((key) => records.get(key)?.addresses.some(isIn));
}

/** Takes back what the Service has, so that nothing that is examined stands in another's way. */
function begin(run: Run, key: ServiceKey, touched: boolean): Decision | undefined {
  const { allocator } = run;
  const service = run.world.services.get(key);
  const known = allocator.records.get(key);
  const before = known === undefined ? (service?.allocated ?? nothingAllocated) : allocationOf(known);
  const reason = service === undefined ? undefined : notOurs(service, allocator.policy);
  if (service === undefined || reason !== undefined) {
    if (known !== undefined) dropRecord(allocator, known);
    const outcome =
      reason === undefined ? ({ kind: 'gone' } as const) : ({ kind: 'not-ours', reason } as const);
    const lost = reason === undefined ? [] : before.addresses.map((address) => ({ address, reason }));
    return { service: key, outcome, changed: known !== undefined, before, lost };
  }
  const record = known ?? addRecord(allocator, service);
  const examination = examine(service, record, before, touched);
  takeBack(allocator, record);
  unpark(allocator.waiting, key);
  record.terms = sharingTerms(service);
  record.reason = undefined;
  if (before.addresses.length > 0) run.claims.push(examination);
  else run.tasks.push(examination);
  return undefined;
}

const examine = (
  service: Service,
  record: ServiceRecord,
  before: Allocated,
  touched: boolean,
): Examination => ({
  key: record.key,
  age: record.age,
  second: false,
  service,
  record,
  touched,
  before,
  reasonBefore: record.reason,
  lost: noLosses,
});

/** Those whose own object did not change first, then the oldest. */
const claimsBefore = (a: Examination, b: Examination): boolean =>
  a.touched === b.touched ? isBefore(a, b) : b.touched;

/** Gives back to the Service what it may keep; what it lacks then is a task, after all have kept theirs. */
function keep(run: Run, examination: Examination): Decision | undefined {
  const { service, record, before } = examination;
  const kept = keepClaimed(run.supply, service, record.terms, before);
  examination.lost = kept.lost;
  if (kept.pool !== undefined) give(run.allocator, record, kept.pool, kept.addresses);
  const wanted = service.ipFamilyPolicy === 'SingleStack' ? 1 : 2;
  const unusable = unusableRequest(service);
  if (kept.addresses.length < wanted && (unusable === undefined || kept.addresses.length === 0)) {
    run.tasks.push(examination);
    return undefined;
  }
  record.reason = unusable;
  return decide(examination);
}

/** Lets the first of those who wait for each piece of news try; `perform` lets the next one try after it. */
function spreadNews(run: Run): void {
  const { news } = run.allocator;
  for (const item of news.values()) pushNext(run, item, undefined);
  news.clear();
}

function pushNext(run: Run, news: News, last: Turn | undefined): void {
  const { pools, waiting } = run.allocator;
  const { token, space } = news;
  const free = space && pools.byName.get(space.pool)?.spaces[space.family];
  if (space !== undefined && (free === undefined || availableIn(free) <= 0n)) return;
  const waiter = nextWaiter(waiting, token, last);
  if (waiter === undefined) return;
  const { key, age, second } = waiter;
  run.tasks.push({ key, age, second, news });
}

function perform(run: Run, task: Examination | Wake): Decision | undefined {
  const examination = 'news' in task ? wake(run, task.key) : task;
  if (examination !== undefined) {
    const { service, record, lost } = examination;
    const given = settle(run.allocator, run.supply, service, record);
    if (given.length > 0) examination.lost = [...lost, ...given];
  }
  if ('news' in task) pushNext(run, task.news, task);
  return examination && decide(examination);
}

/** Undefined where the Service found what it waited for in the meantime. */
function wake({ allocator, world }: Run, key: ServiceKey): Examination | undefined {
  const record = allocator.records.get(key);
  const service = world.services.get(key);
  if (!allocator.waiting.waiters.has(key) || record === undefined || service === undefined) return undefined;
  unpark(allocator.waiting, key);
  return examine(service, record, allocationOf(record), false);
}

function decide({ record, touched, before, reasonBefore, lost }: Examination): Decision | undefined {
  const after = allocationOf(record);
  const changed = !sameAllocation(before, after) || !sameReason(reasonBefore, record.reason);
  if (!changed && !touched) return undefined;
  return {
    service: record.key,
    outcome: outcomeOf(record),
    changed,
    before,
    lost: lost.filter(({ address }) => !after.addresses.some((kept) => sameAddress(kept, address))),
  };
}
