// Our speaker and a router through faults of all kinds, from many seeds: in the end the table is the plan. The long run is in
// test/long/.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatePair } from './pair.ts';
import { simulate } from './simulation.ts';

test('after faults of all kinds the router’s table is the plan, and stays it', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { complaints, trace } = simulate(seed, 40);
    assert.deepEqual(complaints, [], `seed ${seed}\n${trace.slice(-80).join('\n')}`);
  }
});

test('the same seed is the same story', () => {
  assert.deepEqual(simulate(7, 40).trace, simulate(7, 40).trace);
});

test('two of our speakers that both connect end with one session, by which each was told all', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { complaints, trace } = simulatePair(seed, 40);
    assert.deepEqual(complaints, [], `seed ${seed}\n${trace.slice(-80).join('\n')}`);
  }
});
