// Full audits: only after a stranger's change, far apart, and not where a quick one has repaired already.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingDone } from '../dataplane/data-plane.ts';
import { createAudits } from './audits.ts';

function start() {
  const made: string[] = [];
  const kernel = { read: false, repairedByQuick: 0, repairedByFull: 0 };
  let now = 0;
  const audit = async (depth: 'quick' | 'full') => {
    made.push(depth);
    const repaired = depth === 'quick' ? kernel.repairedByQuick : kernel.repairedByFull;
    return { ...nothingDone, read: depth === 'full' || kernel.read, repaired };
  };
  const audits = createAudits({ audit }, () => now);
  const at = async (milliseconds: number): Promise<readonly [number, string]> => {
    now = milliseconds;
    made.length = 0;
    return [await audits(), made.join()] as const;
  };
  return { kernel, at };
}

test('while nobody else touches nf_tables, audits stay quick', async () => {
  const { at } = start();
  assert.deepEqual(await at(10_000), [0, 'quick']);
  assert.deepEqual(await at(3_600_000), [0, 'quick']);
});

test("a stranger's change is followed by a full audit in time, and by one only", async () => {
  const { kernel, at } = start();
  kernel.read = true;
  kernel.repairedByFull = 3;
  assert.deepEqual(await at(10_000), [0, 'quick']);
  kernel.read = false;
  assert.deepEqual(await at(600_000), [3, 'quick,full']);
  assert.deepEqual(await at(1_300_000), [0, 'quick']);
  kernel.read = true;
  assert.deepEqual(await at(1_310_000), [3, 'quick,full']);
  assert.deepEqual(await at(1_320_000), [0, 'quick']);
});

test('what a quick audit has repaired was read as a whole already', async () => {
  const { kernel, at } = start();
  kernel.read = true;
  kernel.repairedByQuick = 2;
  assert.deepEqual(await at(700_000), [2, 'quick']);
  kernel.read = false;
  kernel.repairedByQuick = 0;
  assert.deepEqual(await at(1_400_000), [0, 'quick']);
});
