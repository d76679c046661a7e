// The phases of leaving: asked first, withdrawn later, taken back at any time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeparture, leaveMilliseconds } from './departure.ts';

test('a node with peers asks to be left, then is gone; it may stay after all, and comes back', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const phases: string[] = [];
  const departure = createDeparture({
    hasPeers: () => true,
    changed: () => phases.push(departure.phase),
    signal: new AbortController().signal,
  });
  departure.set(false);
  departure.set(true);
  departure.set(true);
  t.mock.timers.tick(leaveMilliseconds - 1);
  departure.set(false);
  t.mock.timers.tick(leaveMilliseconds);
  departure.set(true);
  t.mock.timers.tick(leaveMilliseconds);
  departure.set(true);
  departure.set(false);
  assert.deepEqual(phases, ['leaving', 'here', 'leaving', 'gone', 'here']);
});

test('where no peer has been told of anything, there is nobody to ask', () => {
  const departure = createDeparture({
    hasPeers: () => false,
    changed() {},
    signal: new AbortController().signal,
  });
  departure.set(true);
  assert.equal(departure.phase, 'gone');
});
