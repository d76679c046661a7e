// What a cluster of members does in each fault, told as a course of a simulated cluster.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Simulation, type SimulationOptions } from './simulation.ts';
import type { Rules } from './state.ts';

const rules: Rules = { twoNodes: 'safety', failback: 'when-stable' };

/** A quiet cluster that has settled; the address `k` is wanted by the first of its nodes. */
function cluster(nodes: string, options: Partial<SimulationOptions> = {}): Simulation {
  const names = [...nodes];
  const simulation = new Simulation({
    seed: 1,
    nodes: names,
    rules,
    candidates: new Map([['k', names]]),
    ...options,
  });
  simulation.run(3000);
  assert.deepEqual(simulation.speakers('k'), [names[0]]);
  return simulation;
}

/** How long until this node is the only one that speaks, looked at each millisecond; throws after `within`. */
function timeUntil(simulation: Simulation, name: string, within: number): number {
  const start = simulation.now;
  while (simulation.speakers('k').join() !== name) {
    if (simulation.now - start > within)
      throw new Error(`${name} does not speak after ${within} ms:\n${simulation.trace.join('\n')}`);
    simulation.run(1);
  }
  return simulation.now - start;
}

const conflictsOf = (simulation: Simulation, name: string): number =>
  simulation.nodes.get(name)?.state.counts.conflicts ?? 0;

describe('a takeover', () => {
  /** The watchers' patience from the last heartbeat that they heard, a tick to notice, the question and its answer. */
  const takeoverMilliseconds = 150 + 10 + 10;

  test('of a killed owner takes no longer than patience and a tick', () => {
    const simulation = cluster('abc');
    simulation.kill('a');
    timeUntil(simulation, 'b', takeoverMilliseconds);
  });

  test('of an owner whose link is cut, either way or both', () => {
    for (const [out, back] of [
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const simulation = cluster('abc');
      for (const other of ['b', 'c']) {
        if (out) simulation.cut('a', other);
        if (back) simulation.cut(other, 'a');
      }
      // Who still hears the owner waits for its word that it hears nobody.
      timeUntil(simulation, 'b', 2 * takeoverMilliseconds);
    }
  });

  test('of a frozen owner; thawed, it asks before it speaks', () => {
    const simulation = cluster('abc', { rules: { ...rules, failback: 'never' } });
    simulation.freeze('a', 5000);
    timeUntil(simulation, 'b', takeoverMilliseconds);
    simulation.run(10_000);
    assert.deepEqual(simulation.speakers('k'), ['b']);
  });

  test('of one that says farewell is at once', () => {
    const simulation = cluster('abc');
    simulation.leave('a');
    timeUntil(simulation, 'b', 15);
  });

  test('moves only what the dead node had', () => {
    const candidates = new Map([
      ['k', ['a', 'b', 'c']],
      ['l', ['c', 'a', 'b']],
    ]);
    const simulation = cluster('abc', { candidates });
    const before = simulation.moves.length;
    simulation.kill('a');
    simulation.run(5000);
    assert.deepEqual(simulation.moves.slice(before), ['k a b']);
  });

  test('is not done for a cut between two others', () => {
    const simulation = cluster('abc');
    simulation.cut('b', 'c');
    simulation.cut('c', 'b');
    const before = simulation.moves.length;
    simulation.run(5000);
    assert.equal(simulation.moves.length, before);
    assert.deepEqual(simulation.speakers('k'), ['a']);
  });
});

describe('a majority', () => {
  test('is needed with three: the last one is silent, and speaks when another comes back', () => {
    const simulation = cluster('abc');
    simulation.kill('b');
    simulation.kill('c');
    simulation.run(5000);
    assert.deepEqual(simulation.speakers('k'), []);
    simulation.start('b');
    timeUntil(simulation, 'a', 2000);
  });

  test('is both of two under safety', () => {
    const simulation = cluster('ab');
    simulation.kill('a');
    simulation.run(5000);
    assert.deepEqual(simulation.speakers('k'), []);
  });

  test('shrinks by voted deaths: of five, one after the other may die until two are left', () => {
    const simulation = cluster('abcde');
    for (const name of 'abc') {
      simulation.kill(name);
      // The dead are left out of the electorate once they are forgotten.
      simulation.run(15_000);
    }
    assert.deepEqual(simulation.speakers('k'), ['d']);
  });

  test('follows the nodes that join and leave', () => {
    const simulation = cluster('abc');
    for (const name of 'de') simulation.add(name);
    simulation.setMembers([...'abcde']);
    simulation.run(10_000);
    simulation.kill('a');
    simulation.kill('b');
    timeUntil(simulation, 'c', 500);
  });
});

describe('where only some are electors', () => {
  const names = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index));
  const last = names.at(-1) ?? '';

  test('the others are heard by their electors, and have what they are wanted for', () => {
    const candidates = new Map([['k', [last, 'a', 'b']]]);
    const simulation = new Simulation({ seed: 1, nodes: names, rules, candidates });
    // With the ten seconds in which one that came late is not stable.
    simulation.run(20_000);
    assert.deepEqual(simulation.speakers('k'), [last]);
    assert.equal(simulation.nodes.get(last)?.state.bits.has(last), false);
    const before = simulation.moves.length;
    simulation.run(30_000);
    assert.equal(simulation.moves.length, before);
    simulation.kill(last);
    timeUntil(simulation, 'a', 420 + 30);
  });
});

describe('two nodes under availability', () => {
  const availability = { rules: { ...rules, twoNodes: 'availability' as const } };

  test('keep answering when the other dies', () => {
    const simulation = cluster('ab', availability);
    simulation.kill('a');
    timeUntil(simulation, 'b', 300);
  });

  test('both answer while they are cut off; when they meet, the one that is wanted less yields and counts it', () => {
    const simulation = cluster('ab', availability);
    simulation.cut('a', 'b');
    simulation.cut('b', 'a');
    simulation.run(2000);
    assert.deepEqual(simulation.speakers('k'), ['a', 'b']);
    simulation.heal();
    timeUntil(simulation, 'a', 500);
    simulation.run(5000);
    assert.deepEqual(simulation.speakers('k'), ['a']);
    assert.equal(conflictsOf(simulation, 'a') + conflictsOf(simulation, 'b') > 0, true);
  });
});

describe('failback', () => {
  const backAfter = (failback: Rules['failback'], milliseconds: number): string => {
    const simulation = cluster('abc', { rules: { ...rules, failback } });
    simulation.kill('a');
    simulation.run(2000);
    simulation.start('a');
    simulation.run(milliseconds);
    return simulation.speakers('k').join();
  };

  test('when-stable gives it back after ten seconds', () => {
    assert.equal(backAfter('when-stable', 9000), 'b');
    assert.equal(backAfter('when-stable', 14_000), 'a');
  });

  test('at-once gives it back as soon as it is asked for', () =>
    assert.equal(backAfter('at-once', 3000), 'a'));

  test('never leaves it where it is', () => assert.equal(backAfter('never', 60_000), 'b'));
});

describe('a hand-over', () => {
  test('of a drained node takes a round trip: silent, released, asked for, granted', () => {
    const simulation = cluster('abc');
    simulation.ready('a', false);
    timeUntil(simulation, 'b', 15);
    assert.equal(simulation.nodes.get('b')?.state.claims.get('k')?.isGiven, true);
  });

  test('is undone with the drain, when the node has been ready for long enough', () => {
    const simulation = cluster('abc');
    simulation.ready('a', false);
    simulation.run(2000);
    simulation.ready('a', true);
    simulation.run(14_000);
    assert.deepEqual(simulation.speakers('k'), ['a']);
  });
});

describe('an address that the elected node does not know of', () => {
  test('is taken by the next after a second, and given back when the elected one asks for it', () => {
    const simulation = cluster('abc');
    simulation.aware('a', 'k', false);
    timeUntil(simulation, 'b', 1500);
    simulation.run(20_000);
    assert.deepEqual(simulation.speakers('k'), ['b']);
    simulation.aware('a', 'k', true);
    timeUntil(simulation, 'a', 4000);
  });

  test('is not asked for a second time while the stand-in has it', () => {
    const simulation = cluster('abc');
    simulation.aware('a', 'k', false);
    simulation.run(5000);
    assert.equal(simulation.nodes.get('c')?.state.claims.size, 0);
    simulation.kill('b');
    timeUntil(simulation, 'c', 1500);
  });
});

test('nothing moves while nothing happens', () => {
  const simulation = cluster('abcd', { rules: { ...rules, failback: 'at-once' } });
  const before = simulation.moves.length;
  simulation.network.lossPercent = 5;
  simulation.network.mostDelay = 20;
  simulation.run(60_000);
  assert.deepEqual(simulation.moves.slice(before), []);
});

test('a cluster whose every node restarts at once comes back by itself', () => {
  const simulation = cluster('abc');
  for (const name of 'abc') simulation.kill(name);
  simulation.run(1000);
  for (const name of 'abc') simulation.start(name);
  timeUntil(simulation, 'a', 2000);
});

test('the lattice of electorates survives a start that forgot everything', () => {
  const simulation = cluster('abc');
  simulation.kill('b');
  simulation.start('b', { forgets: true });
  simulation.run(3000);
  simulation.kill('a');
  timeUntil(simulation, 'b', 500);
});
