// The demo as a person runs it: by npx, with its one line of JSON, and nothing left behind.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BgpDemoResult, DemoResult } from '../../lab/demo/result.ts';

const root = join(import.meta.dirname, '../..');

const shared = [
  ...['ok', 'service', 'addresses', 'ownerBefore', 'ownerAfter'],
  ...['firstAnswerMs', 'outageMs', 'requests', 'failed'],
];

test('npx gantry demo --output json ends with one line that says that all held', { timeout: 180_000 }, () => {
  const { result, stderr } = demo<DemoResult>();
  assert.deepEqual(Object.keys(result), shared);
  isWell(result, stderr);
});

test('by BGP the router has three next hops, two after the death of a node, and requests go on', {
  timeout: 180_000,
}, () => {
  const { result, stderr } = demo<BgpDemoResult>('--mode', 'bgp');
  const own = ['killed', 'nextHops', 'spread', 'withdrawnMs', 'flowsMoved'];
  assert.deepEqual(Object.keys(result), [...shared, ...own]);
  isWell(result, stderr);
  const { before, after } = result.nextHops;
  assert.deepEqual(before.ipv4, ['192.0.2.11', '192.0.2.12', '192.0.2.13']);
  assert.deepEqual(before.ipv6, ['2001:db8:1::11', '2001:db8:1::12', '2001:db8:1::13']);
  assert.deepEqual(after.ipv4, ['192.0.2.12', '192.0.2.13']);
  assert.deepEqual(after.ipv6, ['2001:db8:1::12', '2001:db8:1::13']);
  assert.deepEqual([result.killed, result.ownerAfter], ['node1', 'node2,node3']);
  assert.deepEqual(Object.keys(result.spread), ['node1', 'node2', 'node3']);
  assert.ok(Object.values(result.spread).every((answers) => answers > 0));
  assert.ok(result.flowsMoved > 0);
});

/** Runs it outside of any lab, as from a shell: it makes its own, and leaves none. */
function demo<T>(...args: readonly string[]): { readonly result: T; readonly stderr: string } {
  const labs = (): string[] => readdirSync('/run').filter((name) => name.startsWith('gantry-lab-'));
  const before = labs();
  const { GANTRY_LAB: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('npx', ['gantry', 'demo', ...args, '--output', 'json'], {
    cwd: root,
    encoding: 'utf8',
    env,
    timeout: 170_000,
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(labs(), before);
  return { result: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T, stderr };
}

function isWell(result: DemoResult, stderr: string): void {
  assert.equal(result.ok, true, stderr);
  assert.equal(result.addresses.length, 2);
  assert.notEqual(result.ownerBefore, result.ownerAfter);
  assert.ok(result.requests > 100 && result.failed < result.requests);
  assert.equal(stderr.includes(String.fromCharCode(27)), false, 'colours only on a terminal');
}
