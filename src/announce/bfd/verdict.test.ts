// What BGP makes of BFD: begins, waits, ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdState } from './message.ts';
import { hasFailed, mayBegin } from './verdict.ts';

const session = (state: BfdState, remoteState: BfdState) => ({ state, remoteState });

test('only a strict protocol waits for BFD, and not for one that is turned off', () => {
  assert.equal(mayBegin(session('down', 'down'), false), true);
  assert.equal(mayBegin(session('down', 'down'), true), false);
  assert.equal(mayBegin(session('init', 'down'), true), false);
  assert.equal(mayBegin(session('up', 'up'), true), true);
  assert.equal(mayBegin(session('down', 'admin-down'), true), true);
  assert.equal(mayBegin(session('admin-down', 'down'), true), true);
});

test('a path fails when BFD was up and is down, unless somebody turned it off', () => {
  assert.equal(hasFailed(session('up', 'up'), session('down', 'down')), true);
  assert.equal(hasFailed(session('up', 'up'), session('down', 'admin-down')), false);
  assert.equal(hasFailed(session('up', 'up'), session('admin-down', 'up')), false);
  assert.equal(hasFailed(session('init', 'down'), session('down', 'down')), false);
  assert.equal(hasFailed(session('up', 'init'), session('up', 'up')), false);
});
