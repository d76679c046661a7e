// How fast addresses are given: 100,000 Services at once, one more, a restart, and a full pool with thousands waiting.
import { parseArgs } from 'node:util';
import { type Allocator, allocationOf, createAllocator } from '../src/ipam/allocator.ts';
import { plan } from '../src/ipam/plan.ts';
import { putPool, putService, samplePool, sampleWorld } from '../src/ipam/sample.ts';
import { formatAddress } from '../src/model/address.ts';
import { sampleService } from '../src/model/sample.ts';
import type { Service } from '../src/model/service.ts';
import { applyBatch, type Change, nothingTouched, type World } from '../src/model/world.ts';
import { type Figure, median, percentile, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const total = values.quick ? 10_000 : 100_000;
const oneMore = values.quick ? 500 : 5_000;
const scanned = values.quick ? 2_000 : 10_000;
const waiting = values.quick ? 1_000 : 10_000;

const policy = { loadBalancerClass: undefined, required: false };
const pool = samplePool('public', ['198.18.0.0/15', '2001:db8::/64'], { avoidBuggyIPs: true });
const service = (index: number, ipFamilyPolicy: Service['ipFamilyPolicy'] = 'PreferDualStack'): Service =>
  sampleService(`team-${index % 100}/service-${index}`, { ipFamilyPolicy });
const services = (count: number, ipFamilyPolicy?: Service['ipFamilyPolicy']): Service[] =>
  Array.from({ length: count }, (_, index) => service(index, ipFamilyPolicy));

/** Milliseconds that the whole plan took, and its longest step: who runs it can pause between any two. */
function run(steps: Iterable<unknown>): { readonly total: number; readonly longestStep: number } {
  const began = performance.now();
  let last = began;
  let longestStep = 0;
  for (const _ of steps) {
    const now = performance.now();
    longestStep = Math.max(longestStep, now - last);
    last = now;
  }
  return { total: performance.now() - began, longestStep };
}

const change = (allocator: Allocator, world: World, changes: readonly Change[]) =>
  run(plan(allocator, world, applyBatch(world, { changes, complete: true })));

/**
 * The peer, our own code: for each allocation the pool's addresses are tried in order until one is free, as MetalLB
 * does (one family, no sharing, no events: less than ours has to do).
 */
function scan(used: Set<bigint>, first: bigint): bigint {
  let value = first;
  while (used.has(value) || (value & 255n) === 0n || (value & 255n) === 255n) value += 1n;
  used.add(value);
  return value;
}

const firstValue = pool.ranges[0]?.first.value ?? 0n;

function scanAll(count: number): number {
  const used = new Set<bigint>();
  const began = performance.now();
  for (let index = 0; index < count; index += 1) scan(used, firstValue);
  return performance.now() - began;
}

function scanOneMore(present: number, times: number): number {
  const used = new Set<bigint>();
  for (let value = firstValue; used.size < present; value += 1n) used.add(value);
  const samples: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const began = performance.now();
    scan(used, firstValue);
    samples.push(performance.now() - began);
  }
  return percentile(samples, 0.99);
}

const figures: Figure[] = [];

/** All at once, three times from nothing, the first time cold. */
function allAtOnce(world: World): { readonly allocator: Allocator; readonly seconds: number } {
  const runs: number[] = [];
  let allocator = createAllocator(policy);
  for (let round = 0; round < 3; round += 1) {
    allocator = createAllocator(policy);
    runs.push(run(plan(allocator, world, nothingTouched())).total);
  }
  return { allocator, seconds: median(runs) / 1000 };
}

figures.push({
  name: `${total} Services at once, median of 3`,
  value: allAtOnce(sampleWorld([pool], services(total, 'SingleStack'))).seconds,
  unit: 's',
  bound: 1,
  peers: [
    {
      name: `trying addresses in order, as MetalLB does: ${scanned} single-stack Services`,
      value: scanAll(scanned) / 1000,
    },
  ],
});
const world = sampleWorld([pool], services(total));
const { allocator, seconds } = allAtOnce(world);
figures.push({ name: 'the same with two addresses each', value: seconds, unit: 's' });

// One after the other.
const more: number[] = [];
for (let index = total; index < total + oneMore; index += 1)
  more.push(change(allocator, world, [putService(service(index))]).total);
figures.push({
  name: `one more Service beside ${total}, p99`,
  value: percentile(more, 0.99),
  unit: 'ms',
  bound: 1,
  peers: [
    {
      name: `trying addresses in order, as MetalLB does, beside ${total}, p99`,
      value: scanOneMore(total, Math.min(oneMore, 200)),
    },
  ],
});
figures.push({ name: 'one more Service, median', value: median(more), unit: 'ms' });

// A pool is edited under all of them.
const wider = samplePool('public', ['198.18.0.0/15', '2001:db8::/64', '192.0.2.0/24'], {
  avoidBuggyIPs: true,
});
const edit = change(allocator, world, [putPool(wider)]);
figures.push({ name: `a range added to the pool of ${total} Services`, value: edit.total / 1000, unit: 's' });
figures.push({
  name: 'longest step of that, garbage collection included',
  value: edit.longestStep,
  unit: 'ms',
});

// A restart: the statuses are all that is known.
for (const [key, each] of world.services) {
  const record = allocator.records.get(key);
  if (record !== undefined) world.services.set(key, { ...each, allocated: allocationOf(record) });
}
const restarted = createAllocator(policy);
const restart = run(plan(restarted, world, nothingTouched()));
figures.push({
  name: `${total} Services taken over after a restart`,
  value: restart.total / 1000,
  unit: 's',
});
for (const [key, { addresses }] of allocator.records) {
  const now = restarted.records.get(key)?.addresses.map(formatAddress).join();
  if (now !== addresses.map(formatAddress).join()) throw new Error(`${key} moved over the restart`);
}

// A full pool, thousands waiting, one address freed at a time.
const full = sampleWorld([samplePool('public', ['198.18.0.0/20'])], services(4096 + waiting));
const fullAllocator = createAllocator(policy);
run(plan(fullAllocator, full, nothingTouched()));
const holders = [...fullAllocator.records.values()].filter((record) => record.pool !== undefined);
const freed: number[] = [];
for (const { key } of holders.slice(0, 500))
  freed.push(change(fullAllocator, full, [{ kind: 'Service', key, object: undefined }]).total);
const held = [...fullAllocator.records.values()].filter((record) => record.pool !== undefined);
if (held.length !== 4096) throw new Error('a freed address was not given to who waited');
figures.push({
  name: `an address freed in a full pool with ${waiting} Services waiting, p99`,
  value: percentile(freed, 0.99),
  unit: 'ms',
});

report('allocation', figures);
