// A watcher: whose locks are whose, and when they lapse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWatcher, endSession, excuse, holderOf, keepSession, lock, unlock } from './watcher.ts';

const patience = 150;

test('one holder at a time, until it lets go', () => {
  const watcher = createWatcher(0);
  const a = keepSession(watcher, 'a', 1n, patience, 0);
  const b = keepSession(watcher, 'b', 1n, patience, 0);
  assert.equal(lock(watcher, a, 'k', 0), undefined);
  assert.equal(lock(watcher, a, 'k', 10), undefined, 'asked twice');
  assert.equal(lock(watcher, b, 'k', 20), a);
  assert.deepEqual([...a.wanted], [['k', 'b']], 'the holder is to be told');
  unlock(watcher, a, 'k');
  assert.equal(lock(watcher, b, 'k', 30), undefined);
  assert.equal(watcher.past.last.get('k'), 'b');
});

test('a holder that is not heard for longer than its patience loses all, with the first that is taken', () => {
  const watcher = createWatcher(0);
  const a = keepSession(watcher, 'a', 1n, patience, 0);
  lock(watcher, a, 'k', 0);
  lock(watcher, a, 'l', 0);
  const b = keepSession(watcher, 'b', 1n, patience, 150);
  assert.equal(lock(watcher, b, 'k', 150), a);
  assert.ok(holderOf(watcher, 'k', 150));
  assert.ok(!holderOf(watcher, 'k', 151));
  assert.equal(lock(watcher, b, 'k', 151), undefined);
  assert.equal(watcher.locks.get('l'), undefined);
  assert.notEqual(keepSession(watcher, 'a', 1n, patience, 152).id, a.id, 'it comes back to another session');
});

test("what a node's start before had stays locked for its patience: nothing proves that it has ended", () => {
  const watcher = createWatcher(0);
  const before = keepSession(watcher, 'a', 1n, patience, 0);
  lock(watcher, before, 'k', 0);
  const after = keepSession(watcher, 'a', 2n, patience, 50);
  assert.notEqual(after.id, before.id);
  assert.equal(lock(watcher, after, 'k', 60), before);
  assert.equal(lock(watcher, after, 'k', 151), undefined);
});

test('a watcher that was late itself lets nobody lapse for that', () => {
  const watcher = createWatcher(0);
  const a = keepSession(watcher, 'a', 1n, patience, 0);
  lock(watcher, a, 'k', 0);
  excuse(watcher, 1000);
  assert.ok(holderOf(watcher, 'k', 1100));
});

test('an address is held whole by one, or in shares by several, never both', () => {
  const watcher = createWatcher(0);
  const [a, b] = ['a', 'b'].map((name) => keepSession(watcher, name, 1n, patience, 0));
  assert.ok(a && b);
  assert.equal(lock(watcher, a, '192.0.2.200', 0), undefined);
  assert.equal(lock(watcher, b, '192.0.2.200#3', 10), a);
  assert.deepEqual([...a.wanted], [['192.0.2.200', 'b']], 'told of what it has');
  assert.equal(lock(watcher, b, '192.0.2.201#3', 10), undefined, 'another address');
  assert.equal(lock(watcher, a, '192.0.2.200#4', 20), undefined, 'it may have both itself');
  unlock(watcher, a, '192.0.2.200');
  assert.equal(lock(watcher, b, '192.0.2.200#3', 30), undefined);
  assert.equal(lock(watcher, a, '192.0.2.200', 40), b);
  unlock(watcher, b, '192.0.2.200#3');
  assert.equal(lock(watcher, b, '192.0.2.200', 50), a);
  endSession(watcher, a);
  assert.equal(lock(watcher, b, '192.0.2.200', 60), undefined);
  assert.deepEqual([...watcher.shares.keys()], ['192.0.2.201']);
});

test('shares of a holder that has lapsed stand in nobody’s way', () => {
  const watcher = createWatcher(0);
  const [a, b] = ['a', 'b'].map((name) => keepSession(watcher, name, 1n, patience, 0));
  assert.ok(a && b);
  for (const key of ['k#1', 'k#2', 'k#3']) assert.equal(lock(watcher, a, key, 0), undefined);
  b.lastHeard = 200;
  assert.equal(lock(watcher, b, 'k', 200), undefined);
  assert.deepEqual([...watcher.locks], [['k', b]]);
});

test('who says that it is silent for good frees everything at once', () => {
  const watcher = createWatcher(0);
  const a = keepSession(watcher, 'a', 1n, patience, 0);
  lock(watcher, a, 'k', 0);
  endSession(watcher, a);
  assert.ok(!holderOf(watcher, 'k', 1));
  assert.equal(watcher.sessions.size, 0);
});
