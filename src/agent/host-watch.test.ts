// Tests of looking at the host: how often it looks, and what it says.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLog } from '../observe/log.ts';
import type { HostFacts } from './host-check.ts';
import { watchHost } from './host-watch.ts';

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1;
  t.mock.method(performance, 'now', () => now);
  const stop = new AbortController();
  const warned: string[] = [];
  const facts = { ipv4Forwarding: false };
  const counts = { facts: 0, chains: 0, changed: 0 };
  const use = { leaves: true };
  const watch = watchHost({
    readProcFacts: async (): Promise<Omit<HostFacts, 'forwardChains'>> => {
      counts.facts++;
      return {
        ...facts,
        ipv6Forwarding: true,
        rpFilter: new Map(),
        arpIgnore: undefined,
        conntrack: undefined,
        capabilities: undefined,
      };
    },
    readForwardChains: async () => {
      counts.chains++;
      return [];
    },
    context: () => ({
      forwards: true,
      leavesHost: () => use.leaves,
      families: new Set(['IPv4']),
      interfaces: [],
    }),
    log: createLog({
      level: 'warn',
      component: 'test',
      destination: { write: (line) => warned.push(JSON.parse(line).kind) },
    }),
    changed: () => counts.changed++,
    signal: stop.signal,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const pass = async (seconds: number): Promise<void> => {
    now += seconds * 1000;
    t.mock.timers.tick(seconds * 1000);
    await settle();
  };
  const kinds = (): string[] => watch.findings.map(({ reason }) => reason.kind);
  return { watch, facts, use, counts, warned, stop, settle, pass, kinds };
}

test('a finding is told once, and again only after it was gone', async (t) => {
  const { watch, facts, counts, warned, settle, pass, kinds } = start(t);
  watch.look();
  await settle();
  assert.deepEqual([kinds(), warned, counts.changed], [['forwarding-off'], ['forwarding-off'], 1]);
  await pass(10);
  assert.deepEqual([warned.length, counts.changed], [1, 1]);
  facts.ipv4Forwarding = true;
  await pass(10);
  assert.deepEqual([kinds(), counts.changed], [[], 2]);
  facts.ipv4Forwarding = false;
  await pass(10);
  assert.deepEqual([kinds(), warned.length], [['forwarding-off'], 2]);
});

test('files are read every ten seconds, chains are listed every minute, and nothing after the end', async (t) => {
  const { watch, counts, stop, settle, pass } = start(t);
  watch.look();
  await settle();
  for (let looks = 0; looks < 12; looks++) await pass(10);
  assert.deepEqual([counts.facts, counts.chains], [13, 3]);
  stop.abort();
  await pass(10);
  assert.equal(counts.facts, 13);
});

test('what the host is used for counts without reading anything anew', async (t) => {
  const { watch, use, counts, settle, kinds } = start(t);
  use.leaves = false;
  watch.look();
  await settle();
  assert.deepEqual(kinds(), []);
  use.leaves = true;
  watch.judge();
  assert.deepEqual([kinds(), counts.facts], [['forwarding-off'], 1]);
});
