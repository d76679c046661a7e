// BGP through long stories of faults, from many seeds. GANTRY_SEED: one story; BGP_SIMULATIONS: how many (400).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatePair } from '../../src/agent/bgp/simulation/pair.ts';
import { simulate } from '../../src/agent/bgp/simulation/simulation.ts';

const only = process.env['GANTRY_SEED'];
const count = Number(process.env['BGP_SIMULATIONS'] ?? 400);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => 1000 + index) : [Number(only)];

test('in each of many long stories the router’s table becomes the plan, and no withdrawn route comes back', () => {
  for (const seed of seeds) {
    const { complaints, trace } = simulate(seed, 200);
    assert.deepEqual(complaints, [], `GANTRY_SEED=${seed}\n${trace.slice(-120).join('\n')}`);
  }
});

test('in each of many long stories two of our speakers end with one session, by which each was told all', () => {
  for (const seed of seeds) {
    const { complaints, trace } = simulatePair(seed, 200);
    assert.deepEqual(complaints, [], `GANTRY_SEED=${seed}\n${trace.slice(-120).join('\n')}`);
  }
});
