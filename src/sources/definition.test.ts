// Whether an object that vanished was deleted, or went with the definition of its kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wentWith } from './definition.ts';

const made = '2026-03-01T10:00:00Z';

test('an object goes with a definition that is gone, and with a former one', () => {
  assert.equal(wentWith({ kind: 'gone' }, made), true);
  assert.equal(wentWith({ kind: 'gone' }, undefined), true);
  assert.equal(wentWith({ kind: 'served', since: '2026-03-01T10:00:01Z' }, made), true);
});

test('an object that is no older than its definition was deleted, and so was one of which nothing is known', () => {
  assert.equal(wentWith({ kind: 'served', since: made }, made), false);
  assert.equal(wentWith({ kind: 'served', since: '2025-03-01T10:00:00Z' }, made), false);
  assert.equal(wentWith({ kind: 'served', since: made }, undefined), false);
  assert.equal(wentWith({ kind: 'unknown' }, made), false);
});
