// Tests of who counts as alive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeStates } from './node-state.ts';
import { nodeReport } from './sample-snapshot.ts';

const now = Date.parse('2026-01-31T12:00:00Z');
const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();

/** `name:state`, with a `!` for a silent agent. */
function states(...reports: ReturnType<typeof nodeReport>[]): string[] {
  const found = nodeStates(['a', 'b'], new Map(reports.map((report) => [report.node, report])), now);
  return [...found.values()].map(({ name, state, isSilent }) => `${name}:${state}${isSilent ? '!' : ''}`);
}

test('a node is what the others see; its own word counts for its own life', () => {
  assert.deepEqual(states(), ['a:unknown!', 'b:unknown!']);
  const a = nodeReport('a', { a: 'alive', b: 'dead' }, { updatedAt: at(1) });
  const b = nodeReport('b', { a: 'alive', b: 'alive' }, { updatedAt: at(1) });
  assert.deepEqual(states(a, b), ['a:alive', 'b:alive']);
  assert.deepEqual(states(a), ['a:alive', 'b:dead!']);
});

test('an old report says nothing any more', () => {
  const a = nodeReport('a', { a: 'alive', b: 'dead' }, { updatedAt: at(1) });
  const b = nodeReport('b', { a: 'alive', b: 'alive' }, { updatedAt: at(3600) });
  assert.deepEqual(states(a, b), ['a:alive', 'b:dead!']);
  assert.deepEqual(states(b), ['a:unknown!', 'b:unknown!']);
});

test('an agent without its pulse cannot tell who is alive', () => {
  const report = nodeReport('a', { a: 'alive', b: 'dead' }, { updatedAt: at(1) });
  const cut = { ...report, pulse: { ...report.pulse, connected: false } };
  assert.deepEqual(states(cut), ['a:unknown', 'b:unknown!']);
});
