// Stickiness by example: restarts, rival statuses, and pools edited under live addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../model/pool.ts';
import { sampleAddress, sampleService } from '../model/sample.ts';
import type { Service } from '../model/service.ts';
import type { Change } from '../model/world.ts';
import { putPool, sampleAllocation, samplePool, samplePort } from './sample.ts';
import { asks, reasonOf, Scene } from './sample-scene.ts';

/** As it is read at the start, with a status. */
const withStatus = (key: string, address: string, change: Partial<Service> = {}): Service =>
  sampleService(key, { allocated: { addresses: [sampleAddress(address)], pool: 'p' }, ...change });

const pool = samplePool('p', ['192.0.2.1-192.0.2.9']);

const lostBy = (scene: Scene, key: string, changes: readonly Change[]): (string | undefined)[] =>
  (scene.change(...changes).get(key)?.lost ?? []).map(({ reason }) => reason.kind);

test('at the start, who has an address by its status keeps it, though an older one has none', () => {
  const older = sampleService('a/older', { creationTimestamp: '2026-01-01T00:00:00Z' });
  const scene = new Scene([pool], [older, withStatus('a/holder', '192.0.2.1')]);
  const decided = scene.start();
  assert.equal(scene.has('a/holder'), '192.0.2.1 from p');
  assert.equal(decided.get('a/holder')?.changed, false);
  assert.equal(scene.has('a/older'), '192.0.2.2 from p');
});

test('of two statuses with one address the oldest Service keeps it, then the first by key', () => {
  const scene = new Scene(
    [pool],
    [
      withStatus('a/a', '192.0.2.1', { creationTimestamp: '2026-01-02T00:00:00Z' }),
      withStatus('a/b', '192.0.2.1', { creationTimestamp: '2026-01-01T00:00:00Z' }),
      withStatus('a/d', '192.0.2.2'),
      withStatus('a/c', '192.0.2.2'),
    ],
  );
  const decided = scene.start();
  assert.equal(scene.has('a/b'), '192.0.2.1 from p');
  assert.equal(scene.has('a/c'), '192.0.2.2 from p');
  assert.deepEqual(
    decided.get('a/a')?.lost.map(({ reason }) => reason.kind),
    ['address-in-use'],
  );
  assert.notEqual(scene.has('a/a'), undefined);
});

test('a status of a Service that appears later does not take an address from who has it', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/holder'));
  scene.put(withStatus('a/restored', '192.0.2.1', { creationTimestamp: '2020-01-01T00:00:00Z' }));
  assert.equal(scene.has('a/holder'), '192.0.2.1 from p');
  assert.equal(scene.has('a/restored'), '192.0.2.2 from p');
});

test('a status that lags behind does not undo what was decided since', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/s', {}, asks('192.0.2.5')));
  scene.put(withStatus('a/s', '192.0.2.1'));
  assert.equal(scene.has('a/s'), '192.0.2.5 from p');
});

test('a changed Service keeps its address over everything that does not concern it', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/one'), sampleService('a/two'));
  scene.delete('a/one');
  const decision = scene
    .put(sampleService('a/two', { labels: { x: 'y' }, ports: [samplePort(8080)] }))
    .get('a/two');
  assert.equal(decision?.changed, false);
  assert.equal(scene.has('a/two'), '192.0.2.2 from p');
});

test('an address that leaves its pool is cleared, and the Service given another', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/s'));
  assert.deepEqual(lostBy(scene, 'a/s', [putPool(samplePool('p', ['192.0.2.5-192.0.2.9']))]), [
    'address-not-in-pools',
  ]);
  assert.equal(scene.has('a/s'), '192.0.2.5 from p');
});

test('without any pool left the address is cleared and the Service waits', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/s'));
  const decided = scene.change({ kind: 'IPAddressPool', key: 'p', object: undefined });
  assert.equal(reasonOf(decided, 'a/s'), 'no-pools');
  assert.equal(decided.get('a/s')?.lost.length, 1);
});

test('an address that goes over to another pool is kept, under that pool’s name', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/s'));
  const decided = scene.putPools(samplePool('p', ['192.0.2.9']), samplePool('q', ['192.0.2.1-192.0.2.8']));
  assert.equal(scene.has('a/s'), '192.0.2.1 from q');
  assert.equal(decided.get('a/s')?.changed, true);
  assert.deepEqual(decided.get('a/s')?.lost, []);
});

test('a pool that is renamed whole keeps every address where it is', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/one'), sampleService('a/two'));
  scene.change(
    { kind: 'IPAddressPool', key: 'p', object: undefined },
    putPool(samplePool('q', ['192.0.2.1-192.0.2.9'])),
  );
  assert.equal(scene.has('a/one'), '192.0.2.1 from q');
  assert.equal(scene.has('a/two'), '192.0.2.2 from q');
});

test('priorities and autoAssign decide on new addresses only', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/s'));
  const first = samplePool('q', ['198.51.100.1'], { serviceAllocation: sampleAllocation({ priority: 1 }) });
  scene.putPools(samplePool('p', ['192.0.2.1-192.0.2.9'], { autoAssign: false }), first);
  assert.equal(scene.has('a/s'), '192.0.2.1 from p');
});

const losing: readonly [string, Partial<Pool>, string][] = [
  [
    'avoids it',
    { ranges: samplePool('', ['192.0.2.0-192.0.2.9']).ranges, avoidBuggyIPs: true },
    'address-avoided',
  ],
  ['is for others', { serviceAllocation: sampleAllocation({ namespaces: ['b'] }) }, 'pool-not-for-service'],
];
for (const [what, change, reason] of losing) {
  test(`an address is cleared when its pool ${what}`, () => {
    const scene = new Scene([samplePool('p', ['192.0.2.0-192.0.2.9']), samplePool('q', ['198.51.100.1'])]);
    scene.put(sampleService('a/s'));
    assert.equal(scene.has('a/s'), '192.0.2.0 from p');
    const changed = samplePool('p', ['192.0.2.0-192.0.2.9'], change);
    assert.deepEqual(lostBy(scene, 'a/s', [putPool(changed)]), [reason]);
    assert.notEqual(scene.has('a/s'), undefined);
  });
}

test('those whose pool is gone get addresses of another as far as it goes, the oldest first', () => {
  const scene = new Scene([pool]);
  scene.put(sampleService('a/one'), sampleService('a/two'));
  const decided = scene.change(
    { kind: 'IPAddressPool', key: 'p', object: undefined },
    putPool(samplePool('q', ['198.51.100.1'])),
  );
  assert.equal(scene.has('a/one'), '198.51.100.1 from q');
  assert.equal(reasonOf(decided, 'a/two'), 'pool-exhausted');
  scene.restart();
  assert.equal(scene.has('a/one'), '198.51.100.1 from q');
});

test('a change is planned at the cost of the change: nobody else is looked at', () => {
  const services = Array.from({ length: 2000 }, (_, index) => sampleService(`a/s${index}`));
  const scene = new Scene([samplePool('p', ['198.18.0.0/16'])], services);
  scene.start();
  const looked: string[] = [];
  const { services: all } = scene.world;
  const get = all.get.bind(all);
  all.get = (key) => {
    looked.push(key);
    return get(key);
  };
  scene.put(sampleService('b/new'));
  assert.deepEqual([...new Set(looked)], ['b/new']);
});

test('a pool that grows at its end gives what is new after what it had, and looks at nobody who has an address', () => {
  const small = samplePool('p', ['192.0.2.1-192.0.2.2']);
  const scene = new Scene([small]);
  for (const name of ['a', 'b', 'c', 'd']) scene.put(sampleService(`a/${name}`));
  assert.deepEqual(
    ['c', 'd'].map((name) => scene.has(`a/${name}`)),
    [undefined, undefined],
  );
  const grown = samplePool('p', [
    '192.0.2.1-192.0.2.2',
    '198.51.100.8-198.51.100.9',
    '2001:db8::1-2001:db8::9',
  ]);
  const decided = scene.change(putPool(grown));
  assert.deepEqual([...decided.keys()].sort(), ['a/c', 'a/d']);
  assert.equal(scene.has('a/c'), '198.51.100.8 from p');
  assert.equal(scene.has('a/d'), '198.51.100.9 from p');
  scene.delete('a/b');
  scene.put(sampleService('a/e'));
  assert.equal(scene.has('a/e'), '192.0.2.2 from p');
  scene.put(sampleService('a/six', { ipFamilies: ['IPv6'] }));
  assert.equal(scene.has('a/six'), '2001:db8::1 from p');
});

test('a pool that loses a range looks at those who have an address of it, and at nobody else', () => {
  const range = '192.0.2.1-192.0.2.2';
  const scene = new Scene([samplePool('p', [range, '198.51.100.8-198.51.100.9', '2001:db8::1'])]);
  for (const name of ['a', 'b', 'c', 'd']) scene.put(sampleService(`a/${name}`));
  scene.put(sampleService('a/six', { ipFamilies: ['IPv6'] }));
  scene.delete('a/d');
  assert.equal(scene.usage('p'), '4 Services, 3 of 4 IPv4, 1 of 1 IPv6');
  assert.deepEqual(lostBy(scene, 'a/c', [putPool(samplePool('p', [range]))]), ['address-not-in-pools']);
  assert.equal(scene.has('a/six'), undefined);
  assert.equal(scene.usage('p'), '2 Services, 2 of 2 IPv4, 0 of 0 IPv6');
  const decided = scene.delete('a/a');
  assert.equal(scene.has('a/c'), '192.0.2.1 from p');
  assert.equal(decided.get('a/b'), undefined);
});

test('a range that is written otherwise keeps its Services', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.2', '192.0.2.5'])]);
  for (const name of ['a', 'b', 'c']) scene.put(sampleService(`a/${name}`));
  const decided = scene.putPools(samplePool('p', ['192.0.2.2-192.0.2.6', '192.0.2.1']));
  assert.deepEqual([...decided.keys()], []);
  assert.equal(scene.usage('p'), '3 Services, 3 of 6 IPv4, 0 of 0 IPv6');
  scene.put(sampleService('a/d'));
  assert.equal(scene.has('a/d'), '192.0.2.3 from p');
});

test('a range goes from one pool to another with those who have its addresses', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1', '192.0.2.2']), samplePool('q', ['198.51.100.1'])]);
  for (const name of ['a', 'b', 'c']) scene.put(sampleService(`a/${name}`));
  const decided = scene.putPools(
    samplePool('p', ['192.0.2.1']),
    samplePool('q', ['198.51.100.1', '192.0.2.2']),
  );
  assert.deepEqual([...decided.keys()], ['a/b']);
  assert.equal(scene.has('a/b'), '192.0.2.2 from q');
});

test('a pool that grows and changes otherwise, too, is looked at as a whole', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.0-192.0.2.9'])]);
  scene.put(sampleService('a/a'));
  assert.equal(scene.has('a/a'), '192.0.2.0 from p');
  const avoiding = samplePool('p', ['192.0.2.0-192.0.2.9', '198.51.100.0/28'], { avoidBuggyIPs: true });
  assert.deepEqual(lostBy(scene, 'a/a', [putPool(avoiding)]), ['address-avoided']);
  assert.equal(scene.has('a/a'), '192.0.2.1 from p');
});
