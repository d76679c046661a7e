// Hundreds of seeds of all that API servers and networks do wrong: the client ends up holding what the servers hold.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runApiFaults } from '../../src/kubernetes/fake/fault-run.ts';

const atOnce = 20;
const rounds = 20;

describe('a followed collection on two API servers under random faults', () => {
  for (let round = 0; round < rounds; round++) {
    const first = round * atOnce + 1;
    test(`seeds ${first} to ${first + atOnce - 1}`, { timeout: 120_000 }, async () => {
      const seeds = Array.from({ length: atOnce }, (_, index) => first + index);
      const runs = await Promise.allSettled(seeds.map((seed) => runApiFaults({ seed, writes: 120 })));
      for (const run of runs) if (run.status === 'rejected') throw run.reason;
    });
  }

  test('meets every fault', async () => {
    const { trace } = await runApiFaults({ seed: 1, writes: 3000 });
    const told = trace.join('\n');
    for (const kind of ['refuse', 'delay', 'drop', 'silence', 'truncate', 'stall', 'end-early', 'garble'])
      assert.match(told, new RegExp(`"kind":"${kind}"`), kind);
    for (const kind of ['cut', 'half-a-line', 'hush', 'repeat-older', 'swap', 'swap-and-cut', 'expired'])
      assert.match(told, new RegExp(`"kind":"${kind}"`), kind);
  });
});
