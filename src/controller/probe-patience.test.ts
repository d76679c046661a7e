// Pools that are waited for all the time are given up, and those that give addresses meanwhile are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from './clock.ts';
import { createProbePatience } from './probe-patience.ts';

test('a pool that is awaited for fifteen seconds is given up, one that was not for a moment has the time anew', async () => {
  let now = 0;
  let wake = (): void => {};
  const clock: Clock = {
    now: () => now,
    sleep: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
  };
  const end = new AbortController();
  const lost: string[] = [];
  const patience = createProbePatience(clock, end.signal, (pools) => lost.push(...pools));
  const advance = async (to: number) => {
    now = to;
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  patience.look(new Set(['a', 'b']));
  await advance(14_000);
  patience.look(new Set(['a']));
  patience.look(new Set(['a', 'b']));
  await advance(15_000);
  assert.deepEqual(lost, ['a']);
  await advance(28_000);
  assert.deepEqual(lost, ['a']);
  await advance(29_000);
  assert.deepEqual(lost, ['a', 'b']);
  end.abort();
  wake();
});
