// Millions of steps of simulated clusters under random faults: never two speakers, always one once it is quiet.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FaultOptions, runFaults } from '../../src/announce/membership/simulation-faults.ts';

const failbacks = ['never', 'when-stable', 'at-once'] as const;

/** Of what a node wants or gives up, some has to wait for the next heartbeat, as where addresses are many. */
const bytesFor = (seed: number): number | undefined => [undefined, 5, 10, undefined][seed % 4];

/** There are sixteen times as many of them. */
const bytesOfShares = (seed: number): number | undefined => [undefined, 24, 60, undefined][seed % 4];

const optionsFor = (
  seed: number,
  nodes: number,
  changesMembers: boolean,
  addressBytes = bytesFor(seed),
  spreads = false,
): FaultOptions => ({
  seed,
  nodes,
  twoNodes: nodes === 2 && seed % 2 === 1 ? 'availability' : 'safety',
  failback: failbacks[seed % failbacks.length] ?? 'never',
  changesMembers: changesMembers && nodes > 2,
  faults: 50,
  addressBytes,
  spreads,
});

let steps = 0;
const run = (
  seed: number,
  nodes: number,
  changesMembers: boolean,
  addressBytes?: number,
  spreads?: boolean,
): void => {
  steps += runFaults(optionsFor(seed, nodes, changesMembers, addressBytes, spreads)).steps;
};

describe('a simulated cluster under random faults', () => {
  for (const nodes of [2, 3, 4, 5]) {
    test(`of ${nodes} nodes`, () => {
      for (let seed = 1; seed <= 20; seed++) run(seed, nodes, false);
    });
    if (nodes > 2)
      test(`of ${nodes} nodes, and of nodes that join and leave`, () => {
        for (let seed = 1; seed <= 20; seed++) run(seed, nodes, true);
      });
  }

  for (const nodes of [2, 3, 4, 5])
    test(`of ${nodes} nodes, while addresses are spread in shares and made whole again`, () => {
      for (let seed = 1; seed <= 15; seed++) run(seed, nodes, seed % 2 === 0, bytesOfShares(seed), true);
    });

  test('of eighteen nodes, of which some are electors', () => {
    for (let seed = 1; seed <= 5; seed++) for (const changes of [false, true]) run(seed, 18, changes);
  });

  test('runs for millions of steps', () => assert.ok(steps > 3_000_000, `${steps} steps`));
});

/** Each was a failure once. */
describe('a course that once led to two speakers, or to none', () => {
  const courses: readonly (readonly [
    seed: number,
    nodes: number,
    changesMembers: boolean,
    addressBytes?: number,
  ])[] = [
    [98, 2, false],
    [178, 2, false],
    [29, 3, false],
    [13, 4, true],
    [34, 4, false],
    [45, 5, true],
    [104, 3, true],
    [116, 4, true],
    [135, 4, true],
    [142, 5, true],
    [1041, 3, true, 5],
    [1093, 3, true, 15],
    [1114, 5, false, 15],
    [1178, 3, false, 15],
    [1184, 5, false, 10],
    [2079, 4, true, 15],
    [3139, 3, true, 15],
  ];
  for (const [seed, nodes, changesMembers, addressBytes] of courses)
    test(`seed ${seed}, ${nodes} nodes`, () => run(seed, nodes, changesMembers, addressBytes));
});
