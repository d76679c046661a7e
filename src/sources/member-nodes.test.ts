// A node is a member while a pod of ours is there, and for a while after.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createMemberNodes } from './member-nodes.ts';

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let changes = 0;
  const members = createMemberNodes({
    lingerMilliseconds: 1000,
    expired: () => {
      changes += 1;
    },
  });
  return { members, changes: () => changes };
}

test('a node whose pod is replaced in time stays a member; one whose pod does not come again is none any more', (t) => {
  const { members, changes } = start(t);
  members.put('gantry/one', 'node1');
  members.put('gantry/two', 'node2');
  members.remove('gantry/one');
  members.remove('gantry/two');
  t.mock.timers.tick(999);
  members.put('gantry/three', 'node1');
  assert.deepEqual([...members.nodes], ['node1', 'node2']);
  t.mock.timers.tick(1);
  assert.deepEqual([...members.nodes], ['node1']);
  assert.equal(changes(), 1);
});

test('a pod that waits for a node makes none a member, and one that has ended none for long', (t) => {
  const { members } = start(t);
  members.put('gantry/one', undefined);
  assert.deepEqual([...members.nodes], []);
  members.put('gantry/one', 'node1');
  members.put('gantry/one', undefined);
  t.mock.timers.tick(1000);
  assert.deepEqual([...members.nodes], []);
});
