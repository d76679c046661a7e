// Watching segments: who is isolated says so of itself, and nobody else does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSegmentWatch,
  heardOn,
  hearHello,
  helloMilliseconds,
  isCutOff,
  judgeSegments,
  type SegmentWatch,
  setSegments,
} from './segment-watch.ts';

/** Nodes on one segment, whose hellos arrive at once unless cut. */
function segment(names: readonly string[]) {
  const watches = new Map(names.map((name) => [name, createSegmentWatch(name)]));
  for (const watch of watches.values()) setSegments(watch, ['eth1']);
  const cuts = new Set<string>();
  const gone = new Set<string>();
  let [now, sequence] = [0, 0];
  return {
    watches,
    cuts,
    gone,
    cut: (): string[] => names.filter((name) => isCutOff(watches.get(name) as SegmentWatch, 'eth1')),
    run(milliseconds: number): void {
      for (const end = now + milliseconds; now < end; now += helloMilliseconds) {
        sequence++;
        for (const [from, sender] of watches) {
          if (gone.has(from)) continue;
          const hello = {
            from,
            bootId: 1n,
            sequence,
            interfaceName: 'eth1',
            hears: heardOn(sender, 'eth1', now),
          };
          for (const [to, receiver] of watches)
            if (to !== from && !cuts.has(`${from} ${to}`)) hearHello(receiver, 'eth1', hello, now);
        }
        for (const watch of watches.values()) judgeSegments(watch, (name) => !gone.has(name), now);
      }
    },
  };
}

test('nobody is cut off on a whole segment, whatever the number of members', () => {
  for (const names of ['a', 'ab', 'abc', 'abcd']) {
    const it = segment([...names]);
    it.run(2000);
    assert.deepEqual(it.cut(), []);
  }
});

test('of three the one that hears nobody, or that nobody hears, is cut off, within a quarter of a second', () => {
  for (const cuts of [
    ['a b', 'a c'],
    ['b a', 'c a'],
    ['a b', 'a c', 'b a', 'c a'],
  ]) {
    const it = segment(['a', 'b', 'c']);
    it.run(1000);
    for (const cut of cuts) it.cuts.add(cut);
    // To miss it, and for one-way cuts the others' word that they do.
    it.run(350);
    assert.deepEqual(it.cut(), ['a'], cuts.join());
    it.cuts.clear();
    it.run(500);
    assert.deepEqual(it.cut(), ['a'], 'not at once');
    it.run(1000);
    assert.deepEqual(it.cut(), []);
  }
});

test('of two, and of two halves, nobody can tell: both stay', () => {
  const two = segment(['a', 'b']);
  two.run(1000);
  two.cuts.add('a b').add('b a');
  two.run(2000);
  assert.deepEqual(two.cut(), []);
  const four = segment(['a', 'b', 'c', 'd']);
  four.run(1000);
  for (const left of 'ab')
    for (const right of 'cd') four.cuts.add(`${left} ${right}`).add(`${right} ${left}`);
  four.run(2000);
  assert.deepEqual(four.cut(), []);
});

test('members that are dead, or whose link is down, are not missed', () => {
  const it = segment(['a', 'b', 'c']);
  it.run(1000);
  it.gone.add('b').add('c');
  it.run(2000);
  assert.deepEqual(it.cut(), []);
});

test('a node that was late itself does not take its link for cut', () => {
  const it = segment(['a', 'b', 'c']);
  it.run(1000);
  const watch = it.watches.get('a') as SegmentWatch;
  assert.deepEqual(
    judgeSegments(watch, () => true, 3000),
    [],
  );
  assert.deepEqual(
    judgeSegments(watch, () => true, 3050),
    [],
  );
});

test('who has not heard this node yet is not missed', () => {
  const watch = createSegmentWatch('a');
  setSegments(watch, ['eth1']);
  for (const from of ['b', 'c'])
    hearHello(watch, 'eth1', { from, bootId: 1n, sequence: 1, interfaceName: 'eth1', hears: [] }, 0);
  assert.deepEqual(
    judgeSegments(watch, () => true, 50),
    [],
  );
});

test('an old hello, and our own, are not believed', () => {
  const watch = createSegmentWatch('a');
  setSegments(watch, ['eth1']);
  const hello = { from: 'b', bootId: 2n, sequence: 5, interfaceName: 'eth1', hears: [] };
  assert.equal(hearHello(watch, 'eth1', hello, 0), true);
  assert.equal(hearHello(watch, 'eth1', hello, 0), false);
  assert.equal(hearHello(watch, 'eth1', { ...hello, bootId: 1n, sequence: 9 }, 0), false);
  assert.equal(hearHello(watch, 'eth1', { ...hello, bootId: 3n, sequence: 1 }, 0), true);
  assert.equal(hearHello(watch, 'eth1', { ...hello, from: 'a' }, 0), false);
  assert.equal(hearHello(watch, 'eth9', { ...hello, sequence: 9 }, 0), false);
});

test('a segment that is not watched any more is forgotten', () => {
  const it = segment(['a', 'b', 'c']);
  it.run(1000);
  it.cuts.add('b a').add('c a');
  it.run(400);
  assert.deepEqual(it.cut(), ['a']);
  const watch = it.watches.get('a') as SegmentWatch;
  setSegments(watch, []);
  setSegments(watch, ['eth1']);
  assert.deepEqual(it.cut(), []);
});
