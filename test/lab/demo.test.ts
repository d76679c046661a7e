// The demo as a person runs it: by npx, with its one line of JSON, and nothing left behind.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DemoResult } from '../../lab/demo/result.ts';

const root = join(import.meta.dirname, '../..');

test('npx gantry demo --output json ends with one line that says that all held', { timeout: 180_000 }, () => {
  const labs = (): string[] => readdirSync('/run').filter((name) => name.startsWith('gantry-lab-'));
  const before = labs();
  // Outside of any lab, as from a shell: it makes its own.
  const { GANTRY_LAB: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('npx', ['gantry', 'demo', '--output', 'json'], {
    cwd: root,
    encoding: 'utf8',
    env,
    timeout: 170_000,
  });
  assert.equal(status, 0, stderr);
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as DemoResult;
  assert.deepEqual(Object.keys(result), [
    ...[
      'ok',
      'service',
      'addresses',
      'ownerBefore',
      'ownerAfter',
      'firstAnswerMs',
      'outageMs',
      'requests',
      'failed',
    ],
  ]);
  assert.equal(result.ok, true, stderr);
  assert.equal(result.addresses.length, 2);
  assert.notEqual(result.ownerBefore, result.ownerAfter);
  assert.ok(result.requests > 100 && result.failed < result.requests);
  assert.equal(stderr.includes(String.fromCharCode(27)), false, 'colours only on a terminal');
  assert.deepEqual(labs(), before);
});
