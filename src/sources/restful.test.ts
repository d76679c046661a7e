// Costly work is done at once when it is asked for first, and then seldom, but never left undone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restful } from './restful.ts';

test('what takes long is done again only after a long rest, once for all who asked', async () => {
  let now = 0;
  let count = 0;
  let wake = (): void => {};
  const clock = {
    now: () => now,
    random: () => 0.5,
    sleep: (milliseconds: number) =>
      new Promise<void>((resolve) => {
        const until = now + milliseconds;
        wake = () => {
          now = until;
          resolve();
        };
      }),
  };
  const work = (): void => {
    count++;
    now += 50;
  };
  const ask = restful(work, clock, new AbortController().signal);
  ask();
  assert.equal(count, 1);
  for (let time = 0; time < 10; time++) ask();
  assert.equal(count, 1);
  wake();
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(count, 2);
  assert.equal(now, 50 + 1000 + 50);
  now += 2000;
  ask();
  assert.equal(count, 3);
});
