// Addresses that strangers use are passed over, and what a pool waits for is waited for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressProbe } from '../model/address-probe.ts';
import { sampleAddress, sampleService } from '../model/sample.ts';
import type { Change } from '../model/world.ts';
import { putPool, samplePool } from './sample.ts';
import { asks, reasonOf, Scene } from './sample-scene.ts';

const probe = (node: string, inUse: readonly string[], more: Partial<AddressProbe> = {}): Change => ({
  kind: 'AddressProbe',
  key: node,
  object: {
    node,
    pools: ['p'],
    inUse: inUse.map((address) => ({
      address: sampleAddress(address),
      mac: '02:00:00:00:00:01',
      interface: 'eth0',
      since: '2026-01-01T00:00:00Z',
    })),
    clear: [],
    ...more,
  },
});
const clear = (...addresses: string[]) => ({ clear: addresses.map(sampleAddress) });
const none = (node: string): Change => ({ kind: 'AddressProbe', key: node, object: undefined });

test('an address that a stranger uses is passed over, and given when he is gone', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.3'])]);
  scene.change(probe('node1', ['192.0.2.1', '192.0.2.3']));
  scene.put(sampleService('a/one'));
  assert.equal(scene.has('a/one'), '192.0.2.2 from p');
  const decided = scene.put(sampleService('a/two'));
  assert.equal(reasonOf(decided, 'a/two'), 'pool-exhausted');
  scene.change(probe('node1', ['192.0.2.1']));
  assert.equal(scene.has('a/two'), '192.0.2.3 from p');
  scene.put(sampleService('a/three'));
  scene.change(none('node1'));
  assert.equal(scene.has('a/three'), '192.0.2.1 from p');
});

test('of two nodes that heard him, both must have ceased to', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1'])]);
  scene.change(probe('node1', ['192.0.2.1']), probe('node2', ['192.0.2.1']));
  scene.put(sampleService('a/one'));
  scene.change(probe('node1', []));
  assert.equal(scene.has('a/one'), undefined);
  scene.change(none('node2'));
  assert.equal(scene.has('a/one'), '192.0.2.1 from p');
});

test('who asks for a stranger’s address is told his MAC, and has it when he is gone', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.0/28'])]);
  scene.change(probe('node1', ['192.0.2.7']));
  const decided = scene.put(sampleService('a/one', {}, asks('192.0.2.7')));
  const outcome = decided.get('a/one')?.outcome;
  assert.ok(outcome?.kind === 'refused' && outcome.reason.kind === 'address-of-stranger');
  assert.deepEqual([outcome.reason.mac, outcome.reason.node], ['02:00:00:00:00:01', 'node1']);
  scene.change(probe('node1', []));
  assert.equal(scene.has('a/one'), '192.0.2.7 from p');
});

test('what a Service has it keeps, whoever else uses it; given up, nobody is given it', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.2'])]);
  scene.put(sampleService('a/one'));
  scene.change(probe('node1', ['192.0.2.1']));
  assert.equal(scene.has('a/one'), '192.0.2.1 from p');
  scene.delete('a/one');
  scene.put(sampleService('a/two'));
  assert.equal(scene.has('a/two'), '192.0.2.2 from p');
  scene.change(putPool(samplePool('p', ['192.0.2.1-192.0.2.3'])));
  assert.equal(scene.has('a/two'), '192.0.2.2 from p');
  scene.put(sampleService('a/three'));
  assert.equal(scene.has('a/three'), '192.0.2.3 from p', 'a pool that was made anew knows him still');
});

test('a pool that waits for the probe gives what was found to be nobody’s, and nothing else', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'], { probe: 'before' })]);
  scene.change(probe('node1', []));
  assert.equal(reasonOf(scene.put(sampleService('a/one')), 'a/one'), 'probe-pending');
  assert.equal(reasonOf(scene.put(sampleService('a/two', {}, asks('192.0.2.5'))), 'a/two'), 'probe-pending');
  scene.change(probe('node1', ['192.0.2.1'], clear('192.0.2.2')));
  assert.equal(scene.has('a/one'), '192.0.2.2 from p');
  scene.change(probe('node1', ['192.0.2.1'], clear('192.0.2.2', '192.0.2.5')));
  assert.equal(scene.has('a/two'), '192.0.2.5 from p');
});

test('what was waited for long enough is waited for no longer, until an address is found clear again', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.4'], { probe: 'before' })]);
  scene.put(sampleService('a/one'));
  assert.equal(scene.has('a/one'), undefined);
  scene.allocator.notAwaited.add('p');
  scene.putPools(samplePool('p', ['192.0.2.1-192.0.2.4'], { probe: 'before' }));
  assert.equal(scene.has('a/one'), '192.0.2.1 from p');
  scene.change(probe('node1', [], clear('192.0.2.3')));
  scene.put(sampleService('a/two'), sampleService('a/three'));
  assert.deepEqual([scene.has('a/three'), scene.has('a/two')].sort(), ['192.0.2.3 from p', undefined]);
});

test('a range that goes and comes back counts its strangers once', () => {
  const ranges = ['192.0.2.1-192.0.2.2', '198.51.100.1-198.51.100.3'];
  const scene = new Scene([samplePool('p', ranges)]);
  scene.change(probe('node1', ['198.51.100.1', '192.0.2.1']));
  for (const pools of [ranges.slice(0, 1), ranges, ranges.slice(1), ranges]) {
    scene.putPools(samplePool('p', pools));
    const total = pools.length === 2 ? [2, 5] : pools[0] === ranges[0] ? [1, 2] : [1, 3];
    assert.equal(scene.usage('p'), `0 Services, ${total[0]} of ${total[1]} IPv4, 0 of 0 IPv6`);
  }
  scene.put(sampleService('a/one'), sampleService('a/two'));
  assert.deepEqual(['a/one', 'a/two'].map((key) => scene.has(key)).sort(), [
    '192.0.2.2 from p',
    '198.51.100.2 from p',
  ]);
});
