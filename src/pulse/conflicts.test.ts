// Rivals, and hand-overs that look like them for a moment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Conflicts, noteClaim } from './conflicts.ts';

/** The times at which a claim is worth a warning. */
const warnings = (...times: number[]): number[] => {
  const conflicts: Conflicts = new Map();
  return times.filter((time) => noteClaim(conflicts, '192.0.2.200', time));
};

test('who still claims an address after a second is a rival, and is told once', () => {
  assert.deepEqual(warnings(0, 300, 999, 1000, 2000, 50_000, 100_000), [1000]);
});

test('hand-overs are no rivals, however often they happen in the long run', () => {
  assert.deepEqual(warnings(0, 200, 100_000, 100_300, 4_000_000), []);
});

test('a rival that comes back after a while is told again', () => {
  assert.deepEqual(warnings(0, 1500, 200_000, 201_500), [1500, 201_500]);
});
