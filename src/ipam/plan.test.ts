// Allocation by example: what a Service gets, from where, and what it is told when it gets nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleService } from '../model/sample.ts';
import type { Service } from '../model/service.ts';
import type { Change } from '../model/world.ts';
import { sampleAllocation, samplePool } from './sample.ts';
import { asks, reasonOf, Scene, selects } from './sample-scene.ts';

test('a Service is given the first free address of a pool', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.10-192.0.2.20'])]);
  const decision = scene.put(sampleService('a/one')).get('a/one');
  assert.equal(decision?.changed, true);
  assert.equal(scene.has('a/one'), '192.0.2.10 from p');
  scene.put(sampleService('a/two'));
  assert.equal(scene.has('a/two'), '192.0.2.11 from p');
});

test('a huge pool is used from its beginning, at once', () => {
  const scene = new Scene([samplePool('p', ['198.18.0.0/15', '2001:db8::/64'])]);
  scene.put(sampleService('a/six', { ipFamilies: ['IPv6'] }), sampleService('a/four'));
  assert.equal(scene.has('a/six'), '2001:db8:: from p');
  assert.equal(scene.has('a/four'), '198.18.0.0 from p');
});

test('who came first is served first, by creation time across time zones, then by key', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.2'])]);
  const decided = scene.put(
    sampleService('a/unknown'),
    sampleService('a/late', { creationTimestamp: '2026-01-01T01:00:00Z' }),
    sampleService('a/early', { creationTimestamp: '2026-01-01T02:00:00+02:00' }),
  );
  assert.equal(scene.has('a/early'), '192.0.2.1 from p');
  assert.equal(scene.has('a/late'), '192.0.2.2 from p');
  assert.equal(reasonOf(decided, 'a/unknown'), 'pool-exhausted');
});

test('a lower priority number comes first, none comes last, and a full pool is passed over', () => {
  const priority = (value: number) => ({ serviceAllocation: sampleAllocation({ priority: value }) });
  const scene = new Scene([
    samplePool('a-none', ['192.0.2.1']),
    samplePool('b-zero', ['192.0.2.2'], priority(0)),
    samplePool('c-fifty', ['192.0.2.3'], priority(50)),
    samplePool('d-one', ['192.0.2.4'], priority(1)),
  ]);
  const order = ['a/1', 'a/2', 'a/3', 'a/4'];
  for (const key of order) scene.put(sampleService(key));
  const pools = order.map((key) => scene.has(key)?.split(' from ')[1]);
  assert.deepEqual(pools, ['d-one', 'c-fifty', 'a-none', 'b-zero']);
});

test('a pool made for some Services comes before one for all', () => {
  const scene = new Scene([
    samplePool('all', ['192.0.2.1']),
    samplePool('mine', ['192.0.2.2'], { serviceAllocation: sampleAllocation({ namespaces: ['a'] }) }),
  ]);
  scene.put(sampleService('a/one'), sampleService('b/one'));
  assert.equal(scene.has('a/one'), '192.0.2.2 from mine');
  assert.equal(scene.has('b/one'), '192.0.2.1 from all');
});

test('serviceAllocation admits by namespace or its labels, and by the labels of the Service', () => {
  const serviceAllocation = sampleAllocation({
    namespaces: ['named'],
    namespaceSelectors: selects('chosen'),
    serviceSelectors: selects('web'),
  });
  const scene = new Scene([samplePool('p', ['192.0.2.0/24'], { serviceAllocation })]);
  const labels = { web: 'yes' };
  const decided = scene.put(
    sampleService('named/plain'),
    sampleService('named/web', { labels }),
    sampleService('other/web', { labels }),
  );
  assert.equal(reasonOf(decided, 'named/plain'), 'no-eligible-pool');
  assert.equal(scene.has('named/web'), '192.0.2.0 from p');
  assert.equal(reasonOf(decided, 'other/web'), 'no-eligible-pool');
  const namespace = (chosen: boolean): Change => ({
    kind: 'Namespace',
    key: 'other',
    object: { name: 'other', labels: chosen ? { chosen: 'yes' } : {} },
  });
  scene.change(namespace(true));
  assert.equal(scene.has('other/web'), '192.0.2.1 from p');
  const { lost } = scene.change(namespace(false)).get('other/web') ?? {};
  assert.deepEqual(
    lost?.map(({ reason }) => reason.kind),
    ['pool-not-for-service'],
  );
  assert.equal(scene.has('other/web'), undefined);
});

test('a namespace can be selected by its name without having an object', () => {
  const byName = { matchLabels: { 'kubernetes.io/metadata.name': 'a' }, matchExpressions: [] };
  const serviceAllocation = sampleAllocation({ namespaceSelectors: [byName] });
  const scene = new Scene([samplePool('p', ['192.0.2.0/24'], { serviceAllocation })]);
  scene.put(sampleService('a/one'));
  assert.equal(scene.has('a/one'), '192.0.2.0 from p');
});

test('a pool that does not assign by itself gives only to who asks for it or for its addresses', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'], { autoAssign: false })]);
  const decided = scene.put(
    sampleService('a/plain'),
    sampleService('a/pool', {}, { pool: 'p' }),
    sampleService('a/address', {}, asks('192.0.2.7')),
  );
  assert.equal(reasonOf(decided, 'a/plain'), 'no-eligible-pool');
  assert.equal(scene.has('a/pool'), '192.0.2.1 from p');
  assert.equal(scene.has('a/address'), '192.0.2.7 from p');
});

test('what cannot be had is refused with its reason', () => {
  const pools = [
    samplePool('p', ['192.0.2.0-192.0.2.3'], { avoidBuggyIPs: true }),
    samplePool('q', ['198.51.100.1', '2001:db8::1']),
    samplePool('closed', ['203.0.113.1'], { serviceAllocation: sampleAllocation({ namespaces: ['b'] }) }),
  ];
  const refusal = (change: Partial<Service>, request: Partial<Service['request']>): string | undefined =>
    reasonOf(new Scene(pools).put(sampleService('a/s', change, request)), 'a/s');
  assert.equal(refusal({}, { pool: 'r' }), 'pool-not-found');
  assert.equal(refusal({}, { pool: 'closed' }), 'pool-not-for-service');
  assert.equal(refusal({}, asks('203.0.113.1')), 'pool-not-for-service');
  assert.equal(refusal({}, asks('192.0.2.4')), 'address-not-in-pools');
  assert.equal(refusal({}, asks('192.0.2.0')), 'address-avoided');
  assert.equal(refusal({}, { ...asks('192.0.2.1'), pool: 'q' }), 'address-not-in-pool');
  assert.equal(refusal({ ipFamilies: ['IPv6'] }, { pool: 'p' }), 'family-not-in-pool');
  assert.equal(refusal({ ipFamilies: ['IPv6'] }, asks('192.0.2.1')), 'address-family-mismatch');
  assert.equal(refusal({}, asks('198.51.100.1', '2001:db8::1')), 'two-addresses-single-stack');
  const dual = { ipFamilyPolicy: 'RequireDualStack' } as const;
  assert.equal(refusal(dual, asks('192.0.2.1', '2001:db8::1')), 'addresses-in-two-pools');
  assert.equal(refusal(dual, { pool: 'p' }), 'family-not-in-pool');
  assert.equal(refusal({}, { problem: 'The annotation x is wrong.' }), 'invalid-request');
  const none = new Scene([]).put(sampleService('a/s'));
  assert.equal(reasonOf(none, 'a/s'), 'no-pools');
  const single = new Scene([samplePool('p', ['192.0.2.1'])]).put(sampleService('a/s', dual));
  assert.equal(reasonOf(single, 'a/s'), 'dual-stack-unavailable');
});

test('an unusable request takes nothing away from who has an address, and says so', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.0/24'])]);
  scene.put(sampleService('a/s'));
  const decided = scene.put(sampleService('a/s', {}, { problem: 'The annotation x is wrong.' }));
  assert.equal(scene.has('a/s'), '192.0.2.0 from p');
  assert.equal(reasonOf(decided, 'a/s'), 'invalid-request');
});

test('who asks for another address leaves the one it has, even if it cannot have the other', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.3'])]);
  scene.put(sampleService('a/one'), sampleService('a/two'));
  const decided = scene.put(sampleService('a/two', {}, asks('192.0.2.1')));
  assert.equal(reasonOf(decided, 'a/two'), 'address-in-use');
  assert.deepEqual(
    decided.get('a/two')?.lost.map(({ reason }) => reason.kind),
    ['address-not-asked-for'],
  );
  scene.delete('a/one');
  assert.equal(scene.has('a/two'), '192.0.2.1 from p');
});

test('two Services can swap the addresses they ask for in one change', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.2'])]);
  scene.put(sampleService('a/one', {}, asks('192.0.2.1')), sampleService('a/two', {}, asks('192.0.2.2')));
  scene.put(sampleService('a/one', {}, asks('192.0.2.2')), sampleService('a/two', {}, asks('192.0.2.1')));
  assert.equal(scene.has('a/one'), '192.0.2.2 from p');
  assert.equal(scene.has('a/two'), '192.0.2.1 from p');
});

test('an address that becomes free goes to who has waited longest', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1'])]);
  scene.put(sampleService('a/holder'));
  scene.put(sampleService('a/late', { creationTimestamp: '2026-01-02T00:00:00Z' }));
  scene.put(sampleService('a/early', { creationTimestamp: '2026-01-01T00:00:00Z' }));
  scene.delete('a/holder');
  assert.equal(scene.has('a/early'), '192.0.2.1 from p');
  assert.equal(scene.has('a/late'), undefined);
});

test('who waits for any address is served before who waits for a second one', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1', '2001:db8::1'])]);
  scene.put(sampleService('a/holder', { ipFamilies: ['IPv6'] }));
  scene.put(sampleService('a/prefers', { ipFamilyPolicy: 'PreferDualStack' }));
  scene.put(sampleService('b/waits', { ipFamilies: ['IPv6'] }));
  scene.delete('a/holder');
  assert.equal(scene.has('b/waits'), '2001:db8::1 from p');
  scene.delete('b/waits');
  assert.equal(scene.has('a/prefers'), '192.0.2.1+2001:db8::1 from p');
});

test('a Service that is no LoadBalancer any more, or of another class, frees its address', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1'])]);
  scene.put(sampleService('a/one'));
  const decided = scene.put(sampleService('a/one', { type: 'ClusterIP' }), sampleService('a/two'));
  assert.equal(reasonOf(decided, 'a/one'), 'not-load-balancer');
  assert.equal(decided.get('a/one')?.lost.length, 1);
  assert.equal(scene.has('a/two'), '192.0.2.1 from p');
  assert.equal(
    reasonOf(scene.put(sampleService('a/two', { loadBalancerClass: 'x' })), 'a/two'),
    'other-class',
  );
  scene.put(sampleService('a/one'));
  assert.equal(scene.has('a/one'), '192.0.2.1 from p');
});

test('with a class configured, Services of it are ours, and those without a class unless one is required', () => {
  const pools = [samplePool('p', ['192.0.2.0/24'])];
  const services = [sampleService('a/mine', { loadBalancerClass: 'mine' }), sampleService('a/none')];
  const free = new Scene(pools, services, { loadBalancerClass: 'mine', required: false }).start();
  assert.deepEqual(
    [...free.values()].map(({ outcome }) => outcome.kind),
    ['allocated', 'allocated'],
  );
  const strict = new Scene(pools, services, { loadBalancerClass: 'mine', required: true }).start();
  assert.equal(strict.get('a/mine')?.outcome.kind, 'allocated');
  assert.equal(reasonOf(strict, 'a/none'), 'class-required');
});
