// Tests of the pace on a mocked clock.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPace } from './pace.ts';

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const stop = new AbortController();
  const acts: number[] = [];
  const ask = createPace({
    act: () => acts.push(now),
    leastMilliseconds: 1000,
    mostMilliseconds: 10_000,
    signal: stop.signal,
  });
  const pass = (milliseconds: number): void => {
    for (let step = 0; step < milliseconds; step += 100) {
      now += 100;
      t.mock.timers.tick(100);
    }
  };
  return { acts, ask, pass, stop };
}

test('the first time is at once, many within a second are one more at its end', (t) => {
  const { acts, ask, pass } = start(t);
  ask();
  assert.deepEqual(acts, [0]);
  for (let times = 0; times < 5; times++) {
    pass(100);
    ask();
  }
  pass(3000);
  assert.deepEqual(acts, [0, 1000]);
});

test('after the first it is done now and then unasked, until the end', (t) => {
  const { acts, ask, pass, stop } = start(t);
  pass(20_000);
  assert.deepEqual(acts, []);
  ask();
  pass(20_000);
  assert.deepEqual(acts, [20_000, 30_000, 40_000]);
  stop.abort();
  ask();
  pass(20_000);
  assert.equal(acts.length, 3);
});
