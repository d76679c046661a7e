// Electorates: they merge to the same whatever the order, and what two of them allow overlaps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Electorate,
  electorateDigest,
  extendElectorate,
  foundElectorate,
  majorityOf,
  mergeElectorates,
  wantedMembers,
} from './electorate.ts';

const members = fc.subarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 }).map((names) => names.toSorted());

/** As nodes come to know them: founded, extended, shortened. */
const electorate: fc.Arbitrary<Electorate> = fc
  .tuple(members, fc.array(members, { maxLength: 4 }), fc.nat(3))
  .map(([first, later, dropped]) => {
    const all = later.reduce<Electorate>(extendElectorate, foundElectorate(first));
    return all.slice(Math.min(dropped, all.length - 1));
  });

const same = (one: Electorate, other: Electorate): void =>
  assert.equal(electorateDigest(one), electorateDigest(other));

test('whatever order electorates are heard of in, all nodes come to the same', () => {
  fc.assert(
    fc.property(electorate, electorate, electorate, (a, b, c) => {
      same(mergeElectorates(a, a), a);
      same(mergeElectorates(a, b), mergeElectorates(b, a));
      same(mergeElectorates(mergeElectorates(a, b), c), mergeElectorates(a, mergeElectorates(b, c)));
    }),
  );
});

test('what changes nothing gives back the same object, so that a glance tells', () => {
  fc.assert(
    fc.property(electorate, electorate, (a, b) => {
      const merged = mergeElectorates(a, b);
      assert.equal(mergeElectorates(merged, b), merged);
      assert.equal(mergeElectorates(merged, a), merged);
    }),
  );
});

test('a majority is more than half', () => {
  const sizes = [1, 2, 3, 4, 5, 16].map((size) =>
    majorityOf({ epoch: 1, members: Array.from({ length: size }, String) }),
  );
  assert.deepEqual(sizes, [1, 2, 2, 3, 3, 9]);
});

interface Case {
  readonly title: string;
  readonly members: string;
  readonly nodes: string;
  readonly alive: string;
  readonly forgotten?: string;
  readonly wanted: string;
}

const cases: readonly Case[] = [
  { title: 'nothing is to be changed', members: 'abc', nodes: 'abc', alive: 'bc', wanted: 'abc' },
  { title: 'who joins the cluster joins', members: 'abc', nodes: 'abcd', alive: 'bcd', wanted: 'abcd' },
  { title: 'who is not heard yet waits', members: 'abc', nodes: 'abcd', alive: 'bc', wanted: 'abc' },
  { title: 'who left the cluster leaves', members: 'abc', nodes: 'ab', alive: 'b', wanted: 'ab' },
  {
    title: 'of three, a silent one stays: two alone bear no failure',
    members: 'abc',
    nodes: 'abc',
    alive: 'b',
    forgotten: 'c',
    wanted: 'abc',
  },
  {
    title: 'of four, a silent one goes: three bear as many failures',
    members: 'abcd',
    nodes: 'abcd',
    alive: 'bc',
    forgotten: 'd',
    wanted: 'abc',
  },
  {
    title: 'of five, one silent one stays: four bear fewer failures',
    members: 'abcde',
    nodes: 'abcde',
    alive: 'bcd',
    forgotten: 'e',
    wanted: 'abcde',
  },
  {
    title: 'of five, two silent ones go',
    members: 'abcde',
    nodes: 'abcde',
    alive: 'bc',
    forgotten: 'de',
    wanted: 'abc',
  },
];

for (const { title, members: current, nodes, alive, forgotten = '', wanted } of cases) {
  test(`the next configuration: ${title}`, () => {
    const wish = {
      self: 'a',
      nodes: [...nodes],
      isAlive: (name: string) => alive.includes(name),
      isForgotten: (name: string) => forgotten.includes(name),
      most: 16,
    };
    assert.equal(wantedMembers({ epoch: 1, members: [...current] }, wish).join(''), wanted);
  });
}

test('where more live than shall watch, the silent ones are replaced first', () => {
  const wish = {
    self: 'a',
    nodes: [...'abcdefgh'],
    isAlive: () => true,
    isForgotten: (name: string) => name === 'b',
    most: 5,
  };
  assert.equal(wantedMembers({ epoch: 1, members: [...'abcde'] }, wish).join(''), 'acdef');
});
