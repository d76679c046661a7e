// No more than so many are inside, all get in, in order, and who fails leaves room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate } from './gate.ts';

test('never more than so many are inside, and all come to it in their order, after failures too', async () => {
  const gate = createGate(2);
  const began: number[] = [];
  let inside = 0;
  const outcomes = await Promise.allSettled(
    [0, 1, 2, 3, 4, 5].map((number) =>
      gate.pass(async () => {
        inside += 1;
        assert.ok(inside <= 2);
        began.push(number);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (number % 2 === 1) throw new Error('odd');
        return number;
      }),
    ),
  );
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
  );
});
