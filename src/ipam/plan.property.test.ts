// Whatever happens in whatever order: no address twice, nothing moves without cause, nothing waits that need not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, type Family, formatAddress, rangeContains } from '../model/address.ts';
import type { Pool } from '../model/pool.ts';
import { sampleAddress, sampleService } from '../model/sample.ts';
import { type Labels, selectorMatches } from '../model/selector.ts';
import type { Allocated, Service, ServiceKey, TrafficPolicy } from '../model/service.ts';
import {
  applyBatch,
  type Change,
  emptyWorld,
  nothingTouched,
  type Touched,
  type World,
} from '../model/world.ts';
import { type Allocator, createAllocator } from './allocator.ts';
import type { Decision } from './outcome.ts';
import { plan } from './plan.ts';
import { putPool, putService, sampleAllocation, samplePool, samplePort } from './sample.ts';

// ---- What may happen: pools over a handful of addresses, so that they are often full, and Services that rival.

const blocks = [
  ['198.18.0.252-198.18.0.254', '2001:db8::1-2001:db8::2'],
  ['198.18.0.255-198.18.1.1', '2001:db8::3-2001:db8::4'],
  ['198.18.1.2-198.18.1.3', '2001:db8::5-2001:db8::6'],
] as const;
const poolNames = ['a', 'b', 'c'];

/** Each block of addresses is in at most one pool at a time, as the source sees to. */
const poolsArbitrary: fc.Arbitrary<readonly Pool[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom('', ...poolNames), fc.constantFrom('', ...poolNames)), {
      minLength: 3,
      maxLength: 3,
    }),
    fc.array(
      fc.record({
        autoAssign: fc.boolean(),
        avoidBuggyIPs: fc.boolean(),
        serviceAllocation: fc.constantFrom(
          undefined,
          undefined,
          sampleAllocation({ priority: 1 }),
          sampleAllocation({ namespaces: ['red'] }),
          sampleAllocation({
            priority: 2,
            serviceSelectors: [{ matchLabels: { tier: 'web' }, matchExpressions: [] }],
          }),
          sampleAllocation({
            namespaceSelectors: [{ matchLabels: { team: 'x' }, matchExpressions: [] }],
          }),
        ),
      }),
      { minLength: 3, maxLength: 3 },
    ),
  )
  .map(([owners, traits]) =>
    poolNames.flatMap((name, index) => {
      const ranges = owners.flatMap((owner, block) =>
        owner.flatMap((owned, family) => (owned === name ? [blocks[block]?.[family] ?? ''] : [])),
      );
      return ranges.length === 0 ? [] : [samplePool(name, ranges, traits[index])];
    }),
  );

const askable = ['198.18.0.252', '198.18.0.255', '198.18.1.2', '2001:db8::1', '2001:db8::4', '192.0.2.1'];

const keys = ['red', 'blue'].flatMap((space) => [1, 2, 3, 4, 5].map((n) => `${space}/s${n}`));
const ports = fc.constantFrom([samplePort(80)], [samplePort(443)], [samplePort(80), samplePort(443)]);
const selector = fc.constantFrom<Labels[]>({ app: 'x' }, { app: 'y' });
const creationTimestamp = fc.constantFrom(undefined, '2026-01-01T00:00:00Z', '2026-01-01T02:00:00+03:00');

const anyService: fc.Arbitrary<Service> = fc
  .record({
    key: fc.constantFrom(...keys),
    type: fc.constantFrom<Service['type'][]>('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    loadBalancerClass: fc.constantFrom(undefined, undefined, undefined, undefined, 'other'),
    ports,
    selector,
    labels: fc.constantFrom<Labels[]>({}, { tier: 'web' }),
    ipFamilies: fc.constantFrom<(readonly Family[])[]>(
      [],
      ['IPv4'],
      ['IPv6'],
      ['IPv4', 'IPv6'],
      ['IPv6', 'IPv4'],
    ),
    ipFamilyPolicy: fc.constantFrom<Service['ipFamilyPolicy'][]>(
      'SingleStack',
      'PreferDualStack',
      'RequireDualStack',
    ),
    externalTrafficPolicy: fc.constantFrom<TrafficPolicy[]>('Cluster', 'Cluster', 'Local'),
    creationTimestamp,
    pool: fc.constantFrom(undefined, undefined, undefined, 'a', 'b'),
    asked: fc.oneof(
      { weight: 4, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: fc.subarray<string>(askable, { minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: fc.constant<string[]>(['198.18.0.252', '2001:db8::1']) },
    ),
    sharingKey: fc.constantFrom(undefined, undefined, 'k', 'l'),
    problem: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 'It makes no sense.'),
  })
  .map(({ key, pool, asked, sharingKey, problem, ...change }) => {
    const addresses = asked.map(sampleAddress);
    return sampleService(key, change, { pool, addresses, sharingKey, problem });
  });

/** Many who would share, and little room: what one gives up another waits for. */
const sharingService: fc.Arbitrary<Service> = fc
  .record({
    key: fc.constantFrom(...keys),
    ports,
    selector,
    externalTrafficPolicy: fc.constantFrom<TrafficPolicy[]>('Cluster', 'Local'),
    ipFamilyPolicy: fc.constantFrom<Service['ipFamilyPolicy'][]>('SingleStack', 'PreferDualStack'),
    creationTimestamp,
    asked: fc.constantFrom<string[][]>([], [], ['198.18.0.252']),
    sharingKey: fc.constantFrom(undefined, 'k', 'k', 'k', 'l'),
  })
  .map(({ key, asked, sharingKey, ...change }) =>
    sampleService(key, change, { addresses: asked.map(sampleAddress), sharingKey }),
  );

const smallPools: fc.Arbitrary<readonly Pool[]> = fc.constantFrom(
  [samplePool('a', ['198.18.0.252-198.18.0.253'])],
  [samplePool('a', ['198.18.0.252-198.18.0.253', '2001:db8::1'])],
  [samplePool('a', ['198.18.0.252']), samplePool('b', ['198.18.0.253', '2001:db8::1-2001:db8::2'])],
);

type Event =
  | { readonly type: 'pools'; readonly pools: readonly Pool[] }
  | { readonly type: 'put'; readonly service: Service }
  | { readonly type: 'delete'; readonly at: number }
  | { readonly type: 'namespace'; readonly name: string; readonly team: string }
  | { readonly type: 'restart'; readonly order: number };

/** Batches of events; the first brings pools. */
function histories(
  pools: fc.Arbitrary<readonly Pool[]>,
  service: fc.Arbitrary<Service>,
): fc.Arbitrary<readonly (readonly Event[])[]> {
  const poolsEvent = fc.record({ type: fc.constant('pools' as const), pools });
  const event: fc.Arbitrary<Event> = fc.oneof(
    { weight: 1, arbitrary: poolsEvent },
    { weight: 15, arbitrary: fc.record({ type: fc.constant('put' as const), service }) },
    { weight: 5, arbitrary: fc.record({ type: fc.constant('delete' as const), at: fc.nat(9) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('namespace' as const),
        name: fc.constantFrom('red', 'blue'),
        team: fc.constantFrom('x', 'y'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), order: fc.nat(1000) }) },
  );
  const batch = fc.array(event, { minLength: 1, maxLength: 3 });
  return fc
    .tuple(poolsEvent, fc.array(batch, { minLength: 5, maxLength: 25, size: 'max' }))
    .map(([first, rest]) => [[first], ...rest]);
}

const history = fc.oneof(histories(poolsArbitrary, anyService), histories(smallPools, sharingService));

// ---- The oracle: what is right, by looking at everything, written apart from the allocator.

type Statuses = ReadonlyMap<ServiceKey, Allocated>;

const isOurs = (service: Service): boolean =>
  service.type === 'LoadBalancer' && service.loadBalancerClass === undefined;

function addressesOf(pool: Pool, family: Family): Address[] {
  const found: Address[] = [];
  for (const { first, last } of pool.ranges)
    for (let { value } = first; first.family === family && value <= last.value; value += 1n)
      if (!pool.avoidBuggyIPs || family === 'IPv6' || (value % 256n !== 0n && value % 256n !== 255n))
        found.push({ family, value });
  return found;
}

function admits(world: World, pool: Pool, service: Service): boolean {
  const allocation = pool.serviceAllocation;
  if (allocation === undefined) return true;
  const labels = world.namespaces.get(service.namespace)?.labels ?? {};
  const inNamespace =
    allocation.namespaces.includes(service.namespace) ||
    allocation.namespaceSelectors.some((selector) => selectorMatches(selector, labels));
  const restricted = allocation.namespaces.length + allocation.namespaceSelectors.length > 0;
  const selected = allocation.serviceSelectors.some((selector) => selectorMatches(selector, service.labels));
  return (!restricted || inNamespace) && (allocation.serviceSelectors.length === 0 || selected);
}

const text = (service: Service): string =>
  service.ports.map(({ protocol, port }) => `${protocol}${port}`).join();

function mayShare(a: Service, b: Service): boolean {
  const key = a.request.sharingKey;
  if (key === undefined || key !== b.request.sharingKey) return false;
  if (a.ports.some((port) => b.ports.some((other) => port.port === other.port))) return false;
  const cluster = a.externalTrafficPolicy === 'Cluster' && b.externalTrafficPolicy === 'Cluster';
  return cluster || a.selector['app'] === b.selector['app'];
}

const holdersOf = (world: World, statuses: Statuses, address: Address): Service[] =>
  [...statuses].flatMap(([key, { addresses }]) => {
    const service = world.services.get(key);
    return service && addresses.some((each) => formatAddress(each) === formatAddress(address))
      ? [service]
      : [];
  });

/** The pool that the Service may have the address from, not looking at who has it. */
function poolFor(world: World, service: Service, address: Address): Pool | undefined {
  const { problem, addresses: asked, pool: name } = service.request;
  const usable = problem === undefined && !asksForTooMuch(service);
  const sameFamily = asked.find(({ family }) => family === address.family);
  if (usable && sameFamily && formatAddress(sameFamily) !== formatAddress(address)) return undefined;
  for (const pool of world.pools.values()) {
    const inPool = addressesOf(pool, address.family).some(({ value }) => value === address.value);
    if (inPool && admits(world, pool, service) && (!usable || name === undefined || name === pool.name))
      return pool;
  }
  return undefined;
}

const asksForTooMuch = ({ ipFamilyPolicy, ipFamilies, request: { addresses } }: Service): boolean =>
  ipFamilyPolicy === 'SingleStack' &&
  (addresses.length > 1 ||
    (addresses[0] !== undefined && ipFamilies[0] !== undefined && addresses[0].family !== ipFamilies[0]));

const isFreeFor = (world: World, statuses: Statuses, service: Service, address: Address): boolean =>
  holdersOf(world, statuses, address).every(
    (holder) => holder.key === service.key || mayShare(holder, service),
  );

/** The addresses of the family that the Service could be given now from the pool. */
function available(
  world: World,
  statuses: Statuses,
  service: Service,
  pool: Pool,
  family: Family,
): Address[] {
  return addressesOf(pool, family).filter(
    (address) => poolFor(world, service, address) === pool && isFreeFor(world, statuses, service, address),
  );
}

/** Whether a Service that has nothing could be given something. */
function couldHave(world: World, statuses: Statuses, service: Service): boolean {
  const { problem, addresses: asked, pool: name } = service.request;
  if (problem !== undefined || asksForTooMuch(service)) return false;
  const pools = [...world.pools.values()].filter(
    (pool) => admits(world, pool, service) && (pool.autoAssign || name !== undefined || asked.length > 0),
  );
  const has = (pool: Pool, family: Family): boolean =>
    available(world, statuses, service, pool, family).length > 0;
  const hasRange = (family: Family): boolean =>
    pools.some((pool) => pool.ranges.some((range) => range.first.family === family));
  const open = asked[0]?.family ?? (hasRange('IPv4') ? 'IPv4' : 'IPv6');
  const primary = service.ipFamilies[0] ?? (asked.length === 2 ? 'IPv4' : open);
  const lone = asked.length === 1 && asked[0] ? asked[0].family : primary;
  return pools.some((pool) => {
    // An asked-for address binds the Service to its pool.
    if (
      asked.length > 0 &&
      !asked.some((each) => each.family === lone && poolFor(world, service, each) === pool)
    )
      return false;
    if (name !== undefined && name !== pool.name) return false;
    if (service.ipFamilyPolicy === 'RequireDualStack') return has(pool, 'IPv4') && has(pool, 'IPv6');
    return has(pool, lone);
  });
}

// ---- Running a history, with a cluster's habit: statuses live apart from the allocator and outlive it.

class Cluster {
  world = emptyWorld();
  allocator: Allocator = createAllocator({ loadBalancerClass: undefined, required: false });
  statuses = new Map<ServiceKey, Allocated>();

  apply(changes: readonly Change[]): Decision[] {
    return this.plan(applyBatch(this.world, { changes, complete: true }));
  }

  plan(touched: Touched): Decision[] {
    const decisions: Decision[] = [];
    for (const decision of plan(this.allocator, this.world, touched)) {
      if (decision === undefined) continue;
      decisions.push(decision);
      if (decision.outcome.kind === 'allocated')
        this.statuses.set(decision.service, decision.outcome.assignment);
      else this.statuses.delete(decision.service);
    }
    return decisions;
  }

  /** A new process, which knows only what is written, and reads it in another order. */
  restart(order: number): Decision[] {
    const services = [...this.world.services.values()].map((service) => ({
      ...service,
      allocated: this.statuses.get(service.key) ?? { addresses: [], pool: undefined },
    }));
    services.sort((a, b) => ((order * a.key.length + hash(a.key, order)) % 7) - (hash(b.key, order) % 7));
    const old = this.world;
    this.world = { ...emptyWorld(), complete: true, namespaces: old.namespaces, pools: old.pools };
    for (const service of services) this.world.services.set(service.key, service);
    this.allocator = createAllocator(this.allocator.policy);
    return this.plan(nothingTouched());
  }

  show(): Record<string, string> {
    const entries = [...this.statuses].map(([key, { addresses, pool }]): [string, string] => [
      key,
      `${addresses.map(formatAddress).join('+')} from ${pool}`,
    ]);
    return Object.fromEntries(entries.sort());
  }
}

const hash = (key: string, order: number): number =>
  [...key].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0) + order) % 10_007, 7);

function changesOf(event: Event, world: World): readonly Change[] {
  switch (event.type) {
    case 'pools':
      return [
        ...poolNames.map((key): Change => ({ kind: 'IPAddressPool', key, object: undefined })),
        ...event.pools.map(putPool),
      ];
    case 'put':
      return [putService(event.service)];
    case 'delete': {
      const key = [...world.services.keys()][event.at];
      return key === undefined ? [] : [{ kind: 'Service', key, object: undefined }];
    }
    case 'namespace': {
      const object = { name: event.name, labels: { team: event.team } };
      return [{ kind: 'Namespace', key: event.name, object }];
    }
    case 'restart':
      return [];
    default:
      return event satisfies never;
  }
}

/** All that must be so at rest. */
function assertSound(cluster: Cluster): void {
  const { world, statuses } = cluster;
  for (const [key, { addresses, pool }] of statuses) {
    const service = world.services.get(key);
    assert.ok(service !== undefined && isOurs(service), `${key} has an address and should not`);
    const families = addresses.map(({ family }) => family);
    assert.equal(new Set(families).size, families.length);
    for (const address of addresses) {
      assert.equal(poolFor(world, service, address)?.name, pool, `${key} has ${formatAddress(address)}`);
      for (const other of holdersOf(world, statuses, address))
        assert.ok(other.key === key || mayShare(other, service), `${key} and ${other.key} ${text(other)}`);
    }
    const [first] = service.ipFamilies;
    if (service.ipFamilyPolicy === 'SingleStack') {
      assert.equal(families.length, 1);
      if (first !== undefined) assert.deepEqual(families, [first]);
    } else if (families.length === 2 && first !== undefined) assert.equal(families[0], first);
    const usable = service.request.problem === undefined;
    if (service.ipFamilyPolicy === 'RequireDualStack' && usable) assert.equal(families.length, 2);
    if (service.ipFamilyPolicy === 'PreferDualStack' && families.length === 1 && usable) {
      const own = world.pools.get(pool ?? '');
      const missing = families[0] === 'IPv4' ? 'IPv6' : 'IPv4';
      assert.ok(own);
      assert.deepEqual(available(world, statuses, service, own, missing), [], `${key} could have both`);
    }
  }
  for (const service of world.services.values())
    if (isOurs(service) && !statuses.has(service.key))
      assert.ok(!couldHave(world, statuses, service), `${service.key} waits and need not`);
}

/** Services that did not change keep every address that is still right for them. */
function assertSticky(cluster: Cluster, before: Statuses, changes: readonly Change[]): void {
  const changed = new Set(changes.filter(({ kind }) => kind === 'Service').map(({ key }) => key));
  for (const [key, { addresses }] of before) {
    const service = cluster.world.services.get(key);
    if (service === undefined || changed.has(key)) continue;
    const pools = addresses.map((address) => poolFor(cluster.world, service, address));
    if (pools.some((pool) => pool === undefined || pool !== pools[0])) continue;
    const now = cluster.statuses.get(key)?.addresses.map(formatAddress) ?? [];
    for (const address of addresses) assert.ok(now.includes(formatAddress(address)), `${key} moved`);
  }
}

function assertCounts({ allocator, statuses }: Cluster): void {
  for (const state of allocator.pools.byName.values()) {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const used = new Set<bigint>();
      for (const { addresses } of statuses.values())
        for (const address of addresses)
          if (state.pool.ranges.some((range) => rangeContains(range, address)))
            if (address.family === family) used.add(address.value);
      assert.equal(state.spaces[family]?.used ?? 0, used.size);
      if (state.spaces[family])
        assert.equal(state.spaces[family].size, BigInt(addressesOf(state.pool, family).length));
    }
  }
}

test('over any history: no address twice, all that can have one has one, and nothing moves without cause', () => {
  fc.assert(
    fc.property(history, (batches) => {
      const cluster = new Cluster();
      for (const batch of batches) {
        const before = new Map(cluster.statuses);
        const changes = batch.flatMap((event) => changesOf(event, cluster.world));
        cluster.apply(changes);
        assertSound(cluster);
        assertSticky(cluster, before, changes);
        assertCounts(cluster);
        for (const event of batch) {
          if (event.type !== 'restart') continue;
          const shown = cluster.show();
          cluster.restart(event.order);
          assert.deepEqual(cluster.show(), shown, 'a restart moved something');
        }
      }
    }),
    { numRuns: 200, unbiased: true },
  );
});

test('planning everything again, in the same process or a new one, changes nothing', () => {
  fc.assert(
    fc.property(history, fc.nat(1000), (batches, order) => {
      const cluster = new Cluster();
      for (const batch of batches) cluster.apply(batch.flatMap((event) => changesOf(event, cluster.world)));
      const shown = cluster.show();
      const touched = {
        ...nothingTouched(),
        services: new Set(cluster.world.services.keys()),
        pools: new Set(cluster.world.pools.keys()),
      };
      const decisions = cluster.plan(touched);
      assert.equal(decisions.length, cluster.world.services.size);
      // Why someone waits may be told otherwise: another may have taken what was lacking, too.
      for (const { outcome, before, lost } of decisions) {
        assert.deepEqual(lost, []);
        if (outcome.kind === 'allocated') assert.deepEqual(outcome.assignment, before);
      }
      assert.deepEqual(cluster.show(), shown);
      cluster.restart(order);
      cluster.restart(order + 1);
      assert.deepEqual(cluster.show(), shown);
    }),
    { numRuns: 100, unbiased: true },
  );
});
