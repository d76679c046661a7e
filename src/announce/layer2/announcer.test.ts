// When neighbours are told unasked: the spacing after a move, the refresh, the rate, and silence after a loss.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Announcer,
  type AnnouncerConfig,
  announce,
  createAnnouncer,
  defaultAnnouncerConfig,
  forget,
  nextDue,
  takeDue,
} from './announcer.ts';

/** Runs the clock to `end` and notes when each address was announced. */
function run(
  announcer: Announcer,
  from: number,
  end: number,
  config: AnnouncerConfig = defaultAnnouncerConfig,
  asked: (address: string) => number = () => 0,
): [time: number, address: string][] {
  const sent: [number, string][] = [];
  let now = from;
  while (now <= end) {
    for (const address of takeDue(announcer, now, config, asked)) sent.push([now, address]);
    now = Math.max(now + 1, Math.ceil(nextDue(announcer, config) ?? end + 1));
  }
  return sent;
}

test('after a move: at once, after 100 ms, after 1.1 s, then each 1.1 s up to 5 s, then slowly', () => {
  const announcer = createAnnouncer(0, defaultAnnouncerConfig);
  announce(announcer, 'a', 0);
  const times = run(announcer, 0, 130_000).map(([time]) => time);
  assert.deepEqual(times.slice(0, 6), [0, 100, 1100, 2200, 3300, 4400]);
  const refreshes = times.slice(6).map((time, index) => time - (times[5 + index] ?? 0));
  assert.equal(refreshes.length, 2);
  for (const gap of refreshes) assert.ok(gap >= 54_000 && gap <= 60_010, `${gap}`);
});

test('a lost address is silent at once', () => {
  const announcer = createAnnouncer(0, defaultAnnouncerConfig);
  announce(announcer, 'a', 0);
  takeDue(announcer, 0, defaultAnnouncerConfig, () => 0);
  forget(announcer, 'a');
  assert.deepEqual(run(announcer, 1, 200_000), []);
  assert.equal(nextDue(announcer, defaultAnnouncerConfig), undefined);
});

test('an address that is lost, or announced anew, while the rate holds it back is not sent for what it was', () => {
  const config = { ...defaultAnnouncerConfig, burst: 1, ratePerSecond: 10, burstMilliseconds: [0] };
  const announcer = createAnnouncer(0, config);
  for (const address of ['first', 'again', 'lost']) announce(announcer, address, 0);
  assert.deepEqual(
    takeDue(announcer, 0, config, () => 0),
    ['first'],
  );
  announce(announcer, 'again', 10);
  forget(announcer, 'lost');
  assert.deepEqual(
    run(announcer, 10, 10_000, config).map(([, address]) => address),
    ['again'],
  );
  forget(announcer, 'again');
  assert.deepEqual(
    run(announcer, 10_001, 200_000, config).filter(([, address]) => address !== 'first'),
    [],
  );
});

test('an address announced anew starts its burst again', () => {
  const announcer = createAnnouncer(0, defaultAnnouncerConfig);
  announce(announcer, 'a', 0);
  run(announcer, 0, 20_000);
  announce(announcer, 'a', 20_000);
  assert.deepEqual(
    run(announcer, 20_000, 21_500).map(([time]) => time),
    [20_000, 20_100, 21_100],
  );
});

test('many moves are throttled; those asked for most go first, and none is forgotten', () => {
  const config = { ...defaultAnnouncerConfig, burst: 10, ratePerSecond: 100, burstMilliseconds: [0] };
  const announcer = createAnnouncer(0, config);
  const addresses = Array.from({ length: 50 }, (_, index) => `address-${index}`);
  for (const address of addresses) announce(announcer, address, 0);
  const asked = (address: string): number => Number(address.slice('address-'.length));
  const sent = run(announcer, 0, 2000, config, asked);
  assert.equal(new Set(sent.map(([, address]) => address)).size, 50);
  assert.deepEqual(
    sent.slice(0, 10).map(([, address]) => asked(address)),
    [49, 48, 47, 46, 45, 44, 43, 42, 41, 40],
  );
  assert.ok(sent.filter(([time]) => time < 100).length <= 20);
});

test('a fresh move goes before a refresh', () => {
  const config = {
    ...defaultAnnouncerConfig,
    burst: 1,
    ratePerSecond: 1,
    burstMilliseconds: [0],
    refreshMilliseconds: 10,
  };
  const announcer = createAnnouncer(0, config);
  announce(announcer, 'old', 0);
  assert.deepEqual(
    takeDue(announcer, 0, config, () => 0),
    ['old'],
  );
  announce(announcer, 'new', 1000);
  assert.deepEqual(
    takeDue(announcer, 1000, config, () => 0),
    ['new'],
  );
});
