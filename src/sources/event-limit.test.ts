// So many events of an object at once, and no more than now and then afterwards; others are not affected.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLimit } from './event-limit.ts';

const minute = 60_000;

test('an object has 25 events at once, then one every five minutes, and all again after a rest', () => {
  const mayWrite = createEventLimit();
  const count = (now: number): number => Array.from({ length: 100 }).filter(() => mayWrite('a', now)).length;
  assert.equal(count(0), 25);
  assert.equal(count(4 * minute), 0);
  assert.equal(count(5 * minute), 1);
  assert.equal(count(16 * minute), 2);
  assert.equal(count(24 * 60 * minute), 25);
});

test('who has spent his takes nothing from others', () => {
  const mayWrite = createEventLimit();
  for (let time = 0; time < 100; time++) mayWrite('a', 0);
  assert.ok(mayWrite('b', 0));
  assert.equal(mayWrite('a', 0), false);
  assert.ok(mayWrite('a', 6 * minute));
});
