// Dual stack by example: which families a Service gets, and what happens when its pool gains or loses one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleService } from '../model/sample.ts';
import type { Service } from '../model/service.ts';
import { sampleAllocation, samplePool } from './sample.ts';
import { asks, reasonOf, Scene } from './sample-scene.ts';

const prefer = (change: Partial<Service> = {}): Service =>
  sampleService('a/s', { ipFamilyPolicy: 'PreferDualStack', ...change });
const require = (change: Partial<Service> = {}): Service =>
  sampleService('a/s', { ipFamilyPolicy: 'RequireDualStack', ...change });

const v4 = samplePool('v4', ['192.0.2.1'], { serviceAllocation: sampleAllocation({ priority: 1 }) });
const v6 = samplePool('v6', ['2001:db8:6::1']);
const dual = samplePool('dual', ['198.51.100.1', '2001:db8::1']);

const given = (pools: Parameters<Scene['putPools']>, service: Service): string | undefined => {
  const scene = new Scene(pools);
  scene.put(service);
  return scene.has('a/s');
};

test('a Service that leaves its family open gets IPv4 where a pool for it has that, else IPv6', () => {
  assert.equal(given([v6, v4], sampleService('a/s')), '192.0.2.1 from v4');
  assert.equal(given([v6], sampleService('a/s')), '2001:db8:6::1 from v6');
  assert.equal(given([v4, v6], sampleService('a/s', {}, asks('2001:db8:6::1'))), '2001:db8:6::1 from v6');
});

test('a Service that names one family gets that', () => {
  assert.equal(given([v4, v6], sampleService('a/s', { ipFamilies: ['IPv6'] })), '2001:db8:6::1 from v6');
});

test('PreferDualStack takes a dual-stack pool before one of higher priority, else its primary family', () => {
  assert.equal(given([v4, v6, dual], prefer()), '198.51.100.1+2001:db8::1 from dual');
  assert.equal(given([v4, v6], prefer()), '192.0.2.1 from v4');
  assert.equal(given([v4, v6], prefer({ ipFamilies: ['IPv6', 'IPv4'] })), '2001:db8:6::1 from v6');
});

test('the primary family comes first', () => {
  assert.equal(given([dual], prefer({ ipFamilies: ['IPv6', 'IPv4'] })), '2001:db8::1+198.51.100.1 from dual');
});

test('RequireDualStack waits for one pool with both', () => {
  const scene = new Scene([v4, v6]);
  assert.equal(reasonOf(scene.put(require()), 'a/s'), 'dual-stack-unavailable');
  scene.putPools(dual);
  assert.equal(scene.has('a/s'), '198.51.100.1+2001:db8::1 from dual');
});

test('PreferDualStack gains the second address when its own pool gets the family, and jumps to no other', () => {
  const scene = new Scene([v4]);
  assert.equal(reasonOf(scene.put(prefer()), 'a/s'), 'family-not-in-pool');
  scene.putPools(dual);
  assert.equal(scene.has('a/s'), '192.0.2.1 from v4');
  scene.putPools(samplePool('v4', ['192.0.2.1', '2001:db8:4::1']));
  assert.equal(scene.has('a/s'), '192.0.2.1+2001:db8:4::1 from v4');
});

test('a pool that loses a family takes that address: PreferDualStack keeps the other, RequireDualStack moves', () => {
  const scene = new Scene([dual]);
  scene.put(prefer());
  const single = samplePool('dual', ['2001:db8::1']);
  const other = samplePool('other', ['203.0.113.1', '2001:db8:7::1']);
  const preferred = scene.putPools(single, other).get('a/s');
  assert.equal(scene.has('a/s'), '2001:db8::1 from dual');
  assert.deepEqual(
    preferred?.lost.map(({ reason }) => reason.kind),
    ['address-not-in-pools'],
  );
  const required = scene.put(require()).get('a/s');
  assert.equal(scene.has('a/s'), '203.0.113.1+2001:db8:7::1 from other');
  assert.deepEqual(
    required?.lost.map(({ reason }) => reason.kind),
    ['incomplete'],
  );
});

test('a Service that becomes single-stack gives the other address up, and gets it back when it turns round', () => {
  const scene = new Scene([dual]);
  scene.put(prefer());
  scene.put(prefer({ ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] }));
  assert.equal(scene.has('a/s'), '2001:db8::1 from dual');
  scene.put(prefer());
  assert.equal(scene.has('a/s'), '198.51.100.1+2001:db8::1 from dual');
});

test('with one address asked for, the other comes from the same pool, and the first is the primary', () => {
  const pool = samplePool('p', ['192.0.2.1-192.0.2.9', '2001:db8::1-2001:db8::9'], { autoAssign: false });
  const scene = new Scene([dual, pool]);
  scene.put(sampleService('a/s', { ipFamilyPolicy: 'RequireDualStack' }, asks('2001:db8::5')));
  assert.equal(scene.has('a/s'), '2001:db8::5+192.0.2.1 from p');
});

test('PreferDualStack with two addresses asked for has the primary, and the second once that is free', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9', '2001:db8::1-2001:db8::9'])]);
  scene.put(sampleService('a/holder', { ipFamilies: ['IPv6'] }));
  const service = sampleService(
    'a/s',
    { ipFamilyPolicy: 'PreferDualStack' },
    asks('192.0.2.5', '2001:db8::1'),
  );
  assert.equal(reasonOf(scene.put(service), 'a/s'), 'address-in-use');
  assert.equal(scene.has('a/s'), '192.0.2.5 from p');
  scene.delete('a/holder');
  assert.equal(scene.has('a/s'), '192.0.2.5+2001:db8::1 from p');
});
