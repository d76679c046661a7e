// The controller in a cluster that behaves: what is written when, and that crashes and rivals do no harm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { putPool, putService, samplePool } from '../ipam/sample.ts';
import { formatAddress } from '../model/address.ts';
import type { ObjectProblem } from '../model/problem.ts';
import { sampleAddress, sampleService } from '../model/sample.ts';
import { silentLog } from '../observe/log.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import type { Source } from '../sources/source.ts';
import { createControllerMetrics } from './metrics.ts';
import { type ControllerPhase, runController } from './run.ts';
import { SampleCluster } from './sample-cluster.ts';

const pool = putPool(samplePool('p', ['192.0.2.1-192.0.2.3']));

interface Running {
  readonly phases: ControllerPhase[];
  readonly registry: Registry;
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

function start(cluster: SampleCluster, source: Source = cluster.source()): Running {
  const stopped = new AbortController();
  const registry = new Registry();
  const phases: ControllerPhase[] = [];
  const ended = runController(
    {
      source,
      lock: cluster.lock,
      written: cluster.written,
      status: cluster.status,
      events: { record: (event) => void cluster.events.push(event) },
      policy: { loadBalancerClass: undefined, required: false },
      clock: cluster.clock,
      log: silentLog,
      metrics: createControllerMetrics(registry),
      sourceMetrics: createSourceMetrics(registry),
      phase: (phase) => void phases.push(phase),
    },
    stopped.signal,
  );
  ended.catch(() => {}); // a test that expects it looks at it
  const stop = (): Promise<void> => {
    stopped.abort();
    return ended;
  };
  return { phases, registry, stop, ended };
}

/** Until nothing happens any more without time passing. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a Service gets an address, and its status, an event and the pool’s counts say so', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/s')));
  const running = start(cluster);
  await rest();
  assert.equal(cluster.claimOf('a/s'), '192.0.2.1 from p');
  assert.deepEqual(cluster.eventsOn('a/s'), ['Normal IPAllocated']);
  assert.deepEqual(cluster.statuses.get('IPAddressPool p')?.['status'], {
    assignedIPv4: 1,
    assignedIPv6: 0,
    availableIPv4: 2,
    availableIPv6: 0,
  });
  assert.deepEqual(running.phases, ['reading', 'active']);
  const metrics = await running.registry.metrics();
  assert.match(metrics, /^metallb_allocator_addresses_in_use_total\{pool="p"\} 1$/m);
  assert.match(metrics, /^metallb_allocator_ipv4_addresses_total\{pool="p"\} 3$/m);
  assert.match(metrics, /^metallb_allocator_services_allocated_total\{pool="p"\} 1$/m);
  assert.match(metrics, /^metallb_k8s_client_config_loaded_bool 1$/m);
  await running.stop();
});

test('nothing is decided before the first list is whole', async () => {
  const held = putService(sampleService('a/holder', {}, { addresses: [sampleAddress('192.0.2.1')] }));
  const cluster = new SampleCluster(
    pool,
    held,
    putService(sampleService('a/one')),
    putService(sampleService('a/two')),
  );
  const cut = { complete: () => {} };
  const running = start(cluster, cluster.source(cut));
  await rest();
  assert.deepEqual(
    cluster.history.filter((id) => id !== 'ConfigurationState controller'),
    [],
  );
  assert.deepEqual(running.phases, ['reading']);
  cut.complete();
  await rest();
  assert.equal(cluster.claimOf('a/holder'), '192.0.2.1 from p');
  await running.stop();
});

test('a restart moves nothing and writes no Service again', async () => {
  const services = ['a/1', 'a/2', 'a/3'].map((key) => putService(sampleService(key)));
  const cluster = new SampleCluster(pool, ...services);
  const first = start(cluster);
  await rest();
  const claims = services.map(({ key }) => cluster.claimOf(key));
  await first.stop();
  cluster.history.length = 0;
  cluster.events.length = 0;
  const second = start(cluster);
  await rest();
  assert.deepEqual(
    services.map(({ key }) => cluster.claimOf(key)),
    claims,
  );
  assert.deepEqual(
    cluster.history.filter((id) => id.startsWith('Service')),
    [],
  );
  assert.deepEqual(cluster.events, []);
  await second.stop();
});

test('a refusal is told in a condition, an event and a metric', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/s', {}, { pool: 'q' })));
  const running = start(cluster);
  await rest();
  const status = JSON.stringify(cluster.statuses.get('Service a/s'));
  assert.match(status, /"type":"gantry.dev\/Allocated","status":"False","reason":"PoolNotFound"/);
  assert.deepEqual(cluster.eventsOn('a/s'), ['Warning AllocationFailed']);
  assert.match(await running.registry.metrics(), /^gantry_services_waiting\{reason="pool-not-found"\} 1$/m);
  await running.stop();
});

test('another stands by, and takes over when the first has stopped', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/s')));
  const first = start(cluster);
  await rest();
  const second = start(cluster);
  await rest();
  cluster.advance(5000);
  await rest();
  assert.deepEqual(second.phases, ['standing-by']);
  await first.stop();
  cluster.apply(putService(sampleService('a/t')));
  assert.equal(cluster.claimOf('a/t'), undefined);
  cluster.advance(200);
  await rest();
  assert.deepEqual(second.phases, ['standing-by', 'reading', 'active']);
  assert.equal(cluster.claimOf('a/t'), '192.0.2.2 from p');
  await second.stop();
});

test('who stands by can be stopped', async () => {
  const cluster = new SampleCluster(pool);
  cluster.isLocked = true;
  const running = start(cluster);
  await rest();
  await running.stop();
  assert.equal(cluster.isLocked, true);
});

test('a status that cannot be written is tried again, and holds nobody else up', async () => {
  const cluster = new SampleCluster(
    pool,
    putService(sampleService('a/bad')),
    putService(sampleService('a/good')),
  );
  cluster.broken.add('Service a/bad');
  const running = start(cluster);
  await rest();
  assert.equal(cluster.claimOf('a/good'), '192.0.2.2 from p');
  assert.deepEqual(cluster.eventsOn('a/bad'), ['Normal IPAllocated', 'Warning InternalError']);
  cluster.advance(100);
  await rest();
  assert.match(await running.registry.metrics(), /^gantry_status_write_errors_total 2$/m);
  cluster.broken.clear();
  cluster.advance(200);
  await rest();
  assert.equal(cluster.claimOf('a/bad'), '192.0.2.1 from p');
  await running.stop();
});

test('a status that someone else changed or removed is put right', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/s')));
  const running = start(cluster);
  await rest();
  cluster.statuses.delete('Service a/s');
  cluster.apply(putService(sampleService('a/s')));
  await rest();
  assert.equal(cluster.claimOf('a/s'), '192.0.2.1 from p');
  await running.stop();
});

test('what does not concern a status does not write it', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/s')));
  const running = start(cluster);
  await rest();
  cluster.history.length = 0;
  cluster.apply(putService(sampleService('a/s', { labels: { x: 'y' } })));
  cluster.advance(5000);
  await rest();
  assert.deepEqual(cluster.history, []);
  await running.stop();
});

test('a Service that goes has its status removed; one that turns into another type has it cleared', async () => {
  const cluster = new SampleCluster(
    pool,
    putService(sampleService('a/goes')),
    putService(sampleService('a/turns')),
  );
  const running = start(cluster);
  await rest();
  cluster.apply(
    { kind: 'Service', key: 'a/goes', object: undefined },
    putService(sampleService('a/turns', { type: 'ClusterIP' })),
    putService(sampleService('a/never', { type: 'ClusterIP' })),
  );
  await rest();
  assert.equal(cluster.claimOf('a/goes'), undefined);
  assert.equal(cluster.claimOf('a/turns'), 'nothing');
  assert.equal(cluster.claimOf('a/never'), undefined);
  await running.stop();
});

test('a Service that turned while no controller ran has its status cleared; another’s is left alone', async () => {
  const cluster = new SampleCluster(
    pool,
    putService(sampleService('a/turns')),
    putService(sampleService('a/theirs')),
  );
  const first = start(cluster);
  await rest();
  await first.stop();
  cluster.apply(
    putService(sampleService('a/turns', { type: 'ClusterIP' })),
    putService(sampleService('a/theirs', { loadBalancerClass: 'theirs' })),
  );
  const second = start(cluster);
  await rest();
  assert.equal(cluster.claimOf('a/turns'), 'nothing');
  assert.equal(cluster.claimOf('a/theirs'), '192.0.2.1 from p');
  await second.stop();
});

test('statuses of what went while no controller ran are removed', async () => {
  const cluster = new SampleCluster(pool, putService(sampleService('a/goes')));
  const first = start(cluster);
  await rest();
  await first.stop();
  cluster.apply(
    { kind: 'Service', key: 'a/goes', object: undefined },
    { kind: 'IPAddressPool', key: 'p', object: undefined },
  );
  const second = start(cluster);
  await rest();
  assert.deepEqual([...cluster.statuses.keys()], ['ConfigurationState controller']);
  await second.stop();
});

test('the counts of a pool are written at most once a second, and go with the pool', async () => {
  const cluster = new SampleCluster(pool);
  const running = start(cluster);
  await rest();
  cluster.history.length = 0;
  for (const key of ['a/1', 'a/2', 'a/3']) {
    cluster.apply(putService(sampleService(key)));
    await rest();
  }
  const written = (): number => cluster.history.filter((id) => id === 'IPAddressPool p').length;
  assert.equal(written(), 0);
  cluster.advance(1000);
  await rest();
  assert.equal(written(), 1);
  assert.match(JSON.stringify(cluster.statuses.get('IPAddressPool p')), /"assignedIPv4":3/);
  cluster.apply({ kind: 'IPAddressPool', key: 'p', object: undefined });
  await rest();
  cluster.advance(1000);
  await rest();
  assert.equal(cluster.statuses.has('IPAddressPool p'), false);
  await running.stop();
});

test('legacy annotations are warned of once', async () => {
  const legacy = sampleService('a/s', {}, { legacyAnnotations: ['metallb.universe.tf/address-pool'] });
  const cluster = new SampleCluster(pool, putService(legacy));
  const running = start(cluster);
  await rest();
  cluster.apply(putService({ ...legacy, labels: { x: 'y' } }));
  await rest();
  const warnings = cluster.events.filter(({ reason }) => reason === 'deprecatedAnnotation');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]?.message ?? '', /write metallb\.io\/address-pool instead/);
  await running.stop();
});

test('what is set aside is told in the ConfigurationState and in the metric of a stale configuration', async () => {
  const cluster = new SampleCluster(pool);
  const problem: ObjectProblem = {
    file: 'p.yaml',
    line: 3,
    kind: 'IPAddressPool',
    namespace: '',
    name: 'q',
    field: 'spec.addresses[0]',
    value: '"x"',
    rule: 'This must be a range: correct it.',
    severity: 'error',
  };
  const source = cluster.source();
  const telling: Source = {
    start: async (listener) => {
      await source.start(listener);
      listener.problems([problem]);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
  const running = start(cluster, telling);
  await rest();
  const state = JSON.stringify(cluster.statuses.get('ConfigurationState controller'));
  assert.match(state, /"result":"Invalid","errorSummary":"p.yaml:3: IPAddressPool q/);
  assert.match(await running.registry.metrics(), /^metallb_k8s_client_config_stale_bool 1$/m);
  await running.stop();
});

test('a source that fails ends the controller, and frees the lock', async () => {
  const cluster = new SampleCluster(pool);
  const failing: Source = {
    start: () => Promise.reject(new Error('no such folder')),
    [Symbol.asyncDispose]: async () => {},
  };
  await assert.rejects(start(cluster, failing).ended, /no such folder/);
  assert.equal(cluster.isLocked, false);
});

/** Who has each address by the statuses; no address may have two. */
function holders(cluster: SampleCluster): Map<string, string> {
  const found = new Map<string, string>();
  for (const [id, object] of cluster.statuses) {
    if (!cluster.objects.has(id)) continue; // nobody reads it
    const status = object['status'] as { loadBalancer?: { ingress: { ip: string }[] } };
    for (const { ip } of status.loadBalancer?.ingress ?? []) {
      assert.equal(found.get(ip), undefined, `${ip} is given to ${found.get(ip)} and ${id}`);
      found.set(ip, id);
    }
  }
  return found;
}

test('killed at any moment, in whatever change: no status is lost, and no address is ever given twice', async () => {
  const key = fc.constantFrom('a/1', 'a/2', 'a/3', 'a/4');
  const asked = fc.constantFrom(undefined, '192.0.2.1', '192.0.2.2');
  const change = fc.oneof(
    fc.record({ key, asked, isGone: fc.constant(false) }),
    fc.record({ key, asked: fc.constant(undefined), isGone: fc.constant(true) }),
  );
  const life = fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 5 }), turns: fc.nat(15) });
  const lives = fc.array(life, { minLength: 1, maxLength: 6 });
  const writeTurns = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(lives, writeTurns, async (all, turnsOfWrites) => {
      const cluster = new SampleCluster(pool);
      cluster.writeTurns = turnsOfWrites;
      for (const { changes, turns } of all) {
        start(cluster);
        for (let turn = 0; turn < turns; turn += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          holders(cluster);
          if (turn !== 3) continue;
          cluster.apply(
            ...changes.map((each) => {
              const addresses = each.asked === undefined ? [] : [sampleAddress(each.asked)];
              const service = putService(sampleService(each.key, {}, { addresses }));
              return each.isGone ? { ...service, object: undefined } : service;
            }),
          );
        }
        // Killed: nothing that it began goes on, and the lock is free.
        cluster.kill();
      }
      const last = start(cluster);
      await rest();
      await rest();
      const kept = holders(cluster);
      for (const id of cluster.statuses.keys())
        assert.ok(!id.startsWith('Service') || cluster.objects.has(id), `${id} was left over`);
      for (const [id, { object }] of cluster.objects) {
        if (object === undefined || !('request' in object)) continue;
        const [address] = object.request.addresses;
        if (address !== undefined && kept.get(formatAddress(address)) === undefined)
          assert.fail(`${id} asks for a free address and does not have it`);
      }
      await last.stop();
    }),
    { numRuns: 150 },
  );
});
