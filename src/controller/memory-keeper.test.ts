// Garbage is collected once, when it is quiet after a burst, and never for a change or two.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryKeeper } from './memory-keeper.ts';

test('it collects once after a burst, when five seconds have passed without a change', async () => {
  let now = 0;
  const sleepers: (() => void)[] = [];
  const clock = {
    now: () => now,
    sleep: (milliseconds: number) =>
      new Promise<void>((resolve) =>
        sleepers.push(() => {
          now += milliseconds;
          resolve();
        }),
      ),
  };
  const wake = async (): Promise<void> => {
    sleepers.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  let collected = 0;
  const keeper = createMemoryKeeper(clock, new AbortController().signal, () => {
    collected++;
  });
  for (let time = 0; time < 10; time++) keeper.note(100);
  assert.equal(sleepers.length, 0);
  keeper.note(1000);
  now = 3000;
  keeper.note(5000);
  now = 0;
  await wake();
  assert.equal(collected, 0);
  await wake();
  assert.equal(collected, 1);
  assert.equal(now, 8000);
  keeper.note(10);
  assert.equal(sleepers.length, 0);
});
