// Tests of what a batch makes the agent plan again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../model/address.ts';
import type { Change } from '../model/world.ts';
import { loneNode } from './lone-node.ts';
import { node, pool, service, slice } from './test-world.ts';
import { createWorldFollower } from './world-follower.ts';

function start(...changes: Change[]) {
  const follower = createWorldFollower({
    isOurs: ({ loadBalancerClass }) => loadBalancerClass === undefined,
    loneNode: undefined,
  });
  follower.take({ changes, complete: true });
  const take = (...batch: Change[]) => {
    const { forwarding, announcing } = follower.take({ changes: batch, complete: true });
    return [[...forwarding].sort(), [...announcing].map(formatAddress).sort()];
  };
  return { follower, take };
}

const two = [
  pool(),
  service('a', ['192.0.2.1']),
  service('b', ['192.0.2.2']),
  slice('a', [{ node: 'node-1' }]),
];

test('a Service touches itself, its addresses, and those that it had', () => {
  const { take } = start(...two);
  assert.deepEqual(take(service('a', ['192.0.2.3'])), [['web/a'], ['192.0.2.1', '192.0.2.3']]);
});

test('endpoints touch their Service', () => {
  const { take, follower } = start(...two);
  assert.deepEqual(take(slice('b', [{ node: 'node-2' }])), [['web/b'], ['192.0.2.2']]);
  assert.deepEqual([...follower.servicesOn('node-2')], ['web/b']);
});

test('who wants the same address and port is planned again too', () => {
  const { take } = start(...two);
  assert.deepEqual(take(service('b', ['192.0.2.1'])), [
    ['web/a', 'web/b'],
    ['192.0.2.1', '192.0.2.2'],
  ]);
});

test('nodes and pools touch all addresses, and no forwarding', () => {
  const { take } = start(...two);
  assert.deepEqual(take(node('node-1')), [[], ['192.0.2.1', '192.0.2.2']]);
  assert.deepEqual(take({ ...pool(), object: undefined }), [[], ['192.0.2.1', '192.0.2.2']]);
});

test('a Service of another load balancer is not there', () => {
  const other = { loadBalancerClass: 'another/class' };
  const { take, follower } = start(...two);
  take(service('c', ['192.0.2.3'], other));
  assert.equal(follower.world.services.has('web/c'), false);
  take(service('a', ['192.0.2.1'], other));
  assert.equal(follower.addresses.addressesOf('web/a').length, 0);
});

test('without any Node this machine stands in, until there is one', () => {
  const machine = loneNode('here');
  const follower = createWorldFollower({ isOurs: () => true, loneNode: machine });
  const names = () => [...follower.world.nodes.keys()];
  follower.take({ changes: [service('a', [])], complete: false });
  assert.deepEqual(names(), []);
  follower.take({ changes: [], complete: true });
  assert.deepEqual(names(), ['here']);
  follower.take({ changes: [node('node-1')], complete: true });
  assert.deepEqual(names(), ['node-1']);
  follower.take({ changes: [{ ...node('node-1'), object: undefined }], complete: true });
  assert.deepEqual(names(), ['here']);
  follower.take({ changes: [node('here', ['192.0.2.7'])], complete: true });
  assert.equal(follower.world.nodes.get('here')?.addresses.length, 1);
});
