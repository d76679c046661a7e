// Every course that a small cluster can take, to a depth: never two speakers, and one at the end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ExplorationOptions, explore } from '../../src/announce/membership/exploration.ts';

const options: Omit<ExplorationOptions, 'nodes' | 'depth' | 'faults'> = {
  rules: { twoNodes: 'safety', failback: 'at-once' },
  settling: 60,
};

describe('every course of', () => {
  test('two nodes, twelve rounds with two faults among them', () => {
    const { worlds } = explore({ ...options, nodes: ['a', 'b'], depth: 12, faults: 2 });
    assert.ok(worlds > 3000, `${worlds} worlds`);
  });

  test('three nodes, ten rounds with two faults among them', () => {
    const { worlds } = explore({ ...options, nodes: ['a', 'b', 'c'], depth: 10, faults: 2 });
    assert.ok(worlds > 8000, `${worlds} worlds`);
  });

  test('three nodes, five rounds with three faults among them', () => {
    const { worlds } = explore({ ...options, nodes: ['a', 'b', 'c'], depth: 5, faults: 3 });
    assert.ok(worlds > 8000, `${worlds} worlds`);
  });

  test('four nodes, eight rounds with two faults among them', () => {
    const { worlds } = explore({ ...options, nodes: ['a', 'b', 'c', 'd'], depth: 8, faults: 2 });
    assert.ok(worlds > 8000, `${worlds} worlds`);
  });

  // 40 rounds: three seconds, for the longest wait of who was refused, and a bit.
  test('three nodes, six rounds with two faults among them, ends with a speaker', () => {
    const { worlds } = explore({ ...options, nodes: ['a', 'b', 'c'], depth: 6, faults: 2, closing: 40 });
    assert.ok(worlds > 3000, `${worlds} worlds`);
  });
});
