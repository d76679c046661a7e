// Tests of who counts as dead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkMemberState } from '../pulse/link.ts';
import { sampleMember } from '../pulse/sample-link.ts';
import { nextDeadNodes } from './dead-nodes.ts';

function members(text: string): LinkMemberState[] {
  const states = { '+': 'alive', '-': 'dead', '?': 'unknown' } as const;
  return text.split(' ').map((word) => {
    const state = word[0] === '+' ? states['+'] : word[0] === '-' ? states['-'] : states['?'];
    return sampleMember(word.slice(1), state);
  });
}

test('a node is dead from its death until it is seen alive or is no member any more', () => {
  const table = [
    // members in turn, dead after the last
    [['+a +b'], []],
    [['+a -b'], ['b']],
    [['+a ?b'], []], // never heard of yet: no reason to take its endpoints away
    [['+a -b', '+a ?b'], ['b']], // pulse restarted
    [['+a -b', '+a ?b', '+a +b'], []],
    [['+a -b', '+a'], []],
    [['+a -b', '+a', '+a ?b'], []],
  ] as const;
  for (const [turns, expected] of table) {
    let dead: ReadonlySet<string> = new Set();
    for (const turn of turns) dead = nextDeadNodes(dead, members(turn));
    assert.deepEqual([...dead], expected, turns.join(' then '));
  }
});
