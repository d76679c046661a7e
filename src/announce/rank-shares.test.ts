// Shares of an address: in even parts among those that are wanted alike, and moved by little.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharesPerAddress } from '../model/share.ts';
import { type Contender, rankShares } from './rank-shares.ts';

const contenders = (...nodes: string[]): Contender[] => nodes.map((node) => ({ node, served: 1, weight: 0 }));
const firsts = (order: readonly (readonly Contender[])[]): string[] =>
  order.map(([first]) => first?.node ?? '');
const count = (names: readonly string[], name: string): number => names.filter((one) => one === name).length;
const addresses = Array.from({ length: 50 }, (_, index) => `192.0.2.${200 + index}`);

test('every share lists every contender once', () => {
  const order = rankShares(contenders('a', 'b', 'c', 'd'), '192.0.2.200');
  assert.equal(order.length, sharesPerAddress);
  for (const share of order) assert.deepEqual(share.map(({ node }) => node).sort(), ['a', 'b', 'c', 'd']);
  assert.deepEqual(rankShares([], '192.0.2.200'), []);
});

test('nodes that are wanted alike have as many shares as the others, or one less or more', () => {
  for (const address of addresses) {
    const nodes = ['a', 'b', 'c', 'd'];
    const names = firsts(rankShares(contenders(...nodes), address));
    assert.deepEqual(
      nodes.map((node) => count(names, node)),
      [4, 4, 4, 4],
    );
    const three = firsts(rankShares(contenders('a', 'b', 'c'), address));
    for (const node of ['a', 'b', 'c']) assert.ok(count(three, node) >= 4 && count(three, node) <= 6);
  }
});

test('the order in which nodes are listed does not matter', () => {
  assert.deepEqual(
    rankShares(contenders('a', 'b', 'c'), '192.0.2.200'),
    rankShares(contenders('c', 'a', 'b'), '192.0.2.200'),
  );
});

test('what is preferred has all shares; the rest only stands by', () => {
  const order = rankShares([...contenders('a', 'b'), { node: 'z', served: 1, weight: 5 }], '192.0.2.200');
  assert.deepEqual(new Set(firsts(order)), new Set(['z']));
  const seconds = order.map(([, second]) => second?.node ?? '');
  assert.ok(count(seconds, 'a') > 0 && count(seconds, 'b') > 0);
});

test('a node that dies gives its shares to all others, and one that joins takes from all others and moves little else', () => {
  let moved = 0;
  for (const address of addresses) {
    const before = rankShares(contenders('a', 'b', 'c', 'd'), address);
    const names = firsts(before);
    const heirs = new Set(before.filter(([first]) => first?.node === 'a').map(([, next]) => next?.node));
    assert.ok(heirs.size >= 1 && !heirs.has('a'));
    const after = firsts(rankShares(contenders('a', 'b', 'c', 'd', 'e'), address));
    moved += after.filter((name, share) => name !== names[share]).length;
  }
  // The newcomer's part is 3.2 of 16; half of all would be too many.
  assert.ok(moved / addresses.length < sharesPerAddress / 2, `${moved / addresses.length} moved`);
});
