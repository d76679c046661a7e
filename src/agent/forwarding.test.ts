// Tests of the forwarding: what the data plane holds in the end, and in what order it got there.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { emptyClaims, updateClaims } from '../dataplane/claims.ts';
import { applyBatch, emptyWorld } from '../model/world.ts';
import { createForwarding } from './forwarding.ts';
import { createTestDataPlane } from './test-data-plane.ts';
import { type FixtureEndpoint, service, slice } from './test-world.ts';

async function start(t: TestContext) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const world = emptyWorld();
  const claims = emptyClaims();
  const dataPlane = createTestDataPlane();
  await dataPlane.adopt();
  const done: string[] = [];
  const dead = new Set<string>();
  const forwarding = createForwarding({
    world,
    node: 'node-1',
    claims,
    unhealthy: new Set(),
    deadNodes: () => dead,
    dataPlane,
    done: (key, _plan, failure) => done.push(failure === undefined ? key : `${key} ${failure.kind}`),
    synced: () => {},
    crashed: (error) => done.push(String(error)),
    signal: stop.signal,
  });
  const put = (name: string, address: string, endpoints: readonly FixtureEndpoint[]): string => {
    const change = service(name, [address]);
    applyBatch(world, { complete: true, changes: [change, slice(name, endpoints)] });
    updateClaims(claims, change.key, change.object);
    return change.key;
  };
  return { world, dataPlane, forwarding, done, dead, put };
}

const two: readonly FixtureEndpoint[] = [{ node: 'node-1' }, { node: 'node-2' }];

test('what was touched is in the data plane, and what is gone is not', async (t) => {
  const { world, dataPlane, forwarding, put } = await start(t);
  forwarding.begin([put('a', '192.0.2.1', two)], false);
  await forwarding.idle();
  assert.deepEqual(dataPlane.table(), ['192.0.2.1 TCP 80 → 1:8080,2:8080']);
  forwarding.touch([put('b', '192.0.2.2', two)]);
  applyBatch(world, { complete: true, changes: [{ ...service('a', []), object: undefined }] });
  forwarding.touch(['web/a']);
  await forwarding.idle();
  assert.deepEqual(dataPlane.table(), ['192.0.2.2 TCP 80 → 1:8080,2:8080']);
});

test('endpoints of a dead node leave with the next look', async (t) => {
  const { dataPlane, forwarding, dead, put } = await start(t);
  forwarding.begin([put('a', '192.0.2.1', two)], false);
  await forwarding.idle();
  dead.add('node-2');
  forwarding.touch(['web/a']);
  await forwarding.idle();
  assert.deepEqual(dataPlane.table(), ['192.0.2.1 TCP 80 → 1:8080']);
});

test('a change does not wait for the rest of the beginning', async (t) => {
  const { dataPlane, forwarding, done, put } = await start(t);
  const keys = Array.from({ length: 1000 }, (_, index) =>
    put(`s${index}`, `198.18.${index >> 8}.${index & 255}`, two),
  );
  const held = Promise.withResolvers<void>();
  dataPlane.hold = held.promise;
  forwarding.begin(keys, false);
  while (dataPlane.syncs.length === 0) await new Promise((resolve) => setImmediate(resolve));
  forwarding.touch([put('urgent', '192.0.2.1', two), 'web/s999']);
  dataPlane.hold = undefined;
  held.resolve();
  await forwarding.idle();
  assert.deepEqual([dataPlane.syncs[0], dataPlane.services.size], [256, 1001]);
  const place = (key: string): number => done.indexOf(key);
  assert.equal(place('web/urgent'), 256);
  assert.equal(place('web/s999'), 257);
  assert.equal(done.length, 1001);
});

test('at once, the beginning is one batch', async (t) => {
  const { dataPlane, forwarding, put } = await start(t);
  const keys = Array.from({ length: 600 }, (_, index) =>
    put(`s${index}`, `198.18.${index >> 8}.${index & 255}`, two),
  );
  forwarding.begin(keys, true);
  await forwarding.idle();
  assert.deepEqual(dataPlane.syncs, [600]);
});

test('an empty beginning is told too: what an earlier agent left must go', async (t) => {
  const { dataPlane, forwarding } = await start(t);
  forwarding.begin([], true);
  await forwarding.idle();
  assert.deepEqual(dataPlane.syncs, [0]);
});

test('a Service that the kernel refuses is done with its reason, and the others without', async (t) => {
  const { dataPlane, forwarding, done, put } = await start(t);
  dataPlane.refused.add('web/b');
  forwarding.begin([put('a', '192.0.2.1', two), put('b', '192.0.2.2', two)], false);
  await forwarding.idle();
  assert.deepEqual(done, ['web/a', 'web/b kernel-refused']);
});

test('before the beginning nothing is done: a change alone would look like the whole', async (t) => {
  const { dataPlane, forwarding, put } = await start(t);
  const keys = [put('a', '192.0.2.1', two), put('b', '192.0.2.2', two)];
  forwarding.touch(['web/a']);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(dataPlane.syncs, []);
  forwarding.begin(keys, true);
  await forwarding.idle();
  assert.equal(dataPlane.services.size, 2);
});

test('a data plane that throws is told of, and not called again', async (t) => {
  const { dataPlane, forwarding, done, put } = await start(t);
  const broken = Promise.reject(new Error('EPERM'));
  broken.catch(() => {});
  dataPlane.hold = broken;
  forwarding.begin([put('a', '192.0.2.1', two)], false);
  await forwarding.idle();
  forwarding.touch(['web/a']);
  await forwarding.idle();
  assert.deepEqual([done, dataPlane.syncs], [['Error: EPERM'], [1]]);
});
