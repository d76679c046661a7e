// Whose session an interface's is: the first router heard, until it is silent and another speaks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleAddress } from '../../model/sample.ts';
import {
  advertised,
  advertisingMilliseconds,
  heardRouter,
  isLonely,
  lostCarrier,
  newLinkNeighbour,
} from './link-neighbour.ts';

const [first, second] = [sampleAddress('fe80::1'), sampleAddress('fe80::2')];

test('the first router heard is the neighbour, and another is told of once', () => {
  const link = newLinkNeighbour(0);
  assert.equal(heardRouter(link, first, 10), 'neighbour');
  assert.equal(heardRouter(link, second, 20), 'rival');
  assert.equal(heardRouter(link, second, 30), 'known-rival');
  assert.equal(heardRouter(link, first, 40), 'known');
  assert.deepEqual(link.address, first);
});

test('another takes its place once it is silent, or the carrier was lost', () => {
  const silent = newLinkNeighbour(0);
  heardRouter(silent, first, 0);
  assert.equal(heardRouter(silent, second, 3.5 * advertisingMilliseconds + 1), 'neighbour');
  const unplugged = newLinkNeighbour(0);
  heardRouter(unplugged, first, 0);
  lostCarrier(unplugged, 5);
  assert.deepEqual(unplugged.address, first, 'its session has timers of its own');
  assert.equal(heardRouter(unplugged, second, 10), 'neighbour');
  assert.deepEqual(unplugged.address, second);
});

test('we speak four times a second apart, then every ten seconds, and eagerly again to somebody new', () => {
  const link = newLinkNeighbour(0);
  const times: number[] = [];
  for (let count = 0; count < 6; count++) {
    times.push(link.nextAt);
    advertised(link, link.nextAt);
  }
  assert.deepEqual(times, [0, 1000, 2000, 3000, 13_000, 23_000]);
  heardRouter(link, first, 24_000);
  assert.equal(link.nextAt, 24_000);
  advertised(link, 24_000);
  assert.equal(link.nextAt, 25_000);
});

test('that nobody is there is said once', () => {
  const link = newLinkNeighbour(0);
  const said: boolean[] = [];
  for (let count = 0; count < 7; count++) {
    advertised(link, link.nextAt);
    said.push(isLonely(link));
  }
  assert.deepEqual(said, [false, false, false, false, true, false, false]);
  heardRouter(link, first, 60_000);
  assert.equal(isLonely(link), false);
});
