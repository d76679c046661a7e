// Heartbeats there and back, and who is alive: events to state and effects.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '../../model/address.ts';
import {
  defaultMembershipConfig as config,
  initialMembership,
  type Membership,
  type MembershipEffect,
  type MembershipEvent,
  stepMembership,
} from './machine.ts';
import { type Heartbeat, heartbeatKey, readHeartbeat, writeHeartbeat } from './message.ts';

const key = heartbeatKey(new TextEncoder().encode('secret'));
const subnet = parseCidr('192.0.2.0/24');
const subnet6 = parseCidr('2001:db8:1::/64');
assert.ok(subnet && subnet6);

const heartbeat = (overrides: Partial<Heartbeat> = {}): Heartbeat => ({
  node: 'b',
  bootId: 7n,
  sequence: 1n,
  ready: true,
  leaving: false,
  interfaces: [
    { name: 'eth0', up: true, subnets: [subnet, subnet6] },
    { name: 'eth1', up: false, subnets: [] },
  ],
  ...overrides,
});

test('a heartbeat survives its bytes', () => {
  for (const one of [
    heartbeat(),
    heartbeat({ ready: false, leaving: true, interfaces: [], sequence: 2n ** 63n }),
  ]) {
    assert.deepEqual(readHeartbeat(writeHeartbeat(one, key), key), one);
  }
});

test('another cluster’s heartbeats are foreign, forged ones forged, others malformed', () => {
  const message = writeHeartbeat(heartbeat(), key);
  const otherKey = heartbeatKey(new TextEncoder().encode('other'));
  assert.deepEqual(readHeartbeat(message, otherKey), { error: 'foreign' });
  const forged = message.slice();
  forged[20] = (forged[20] ?? 0) ^ 1;
  assert.deepEqual(readHeartbeat(forged, key), { error: 'forged' });
  assert.deepEqual(readHeartbeat(new Uint8Array(10), key), { error: 'malformed' });
  assert.deepEqual(readHeartbeat(new TextEncoder().encode('x'.repeat(100)), key), { error: 'malformed' });
});

test('no bytes upset the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok('error' in readHeartbeat(bytes, key));
    }),
    { numRuns: 20_000 },
  );
  const good = writeHeartbeat(heartbeat(), key);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = good.slice();
      changed[at] = (changed[at] ?? 0) ^ flip;
      assert.ok('error' in readHeartbeat(changed, key));
    }),
    { numRuns: 5_000 },
  );
});

test('nor do bytes under our own key: what can be read survives being written again', () => {
  const good = writeHeartbeat(heartbeat(), key);
  const head = good.subarray(0, 26);
  const body = good.subarray(26, good.length - 16);
  const sign = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.from([...bytes, ...createHmac('sha256', key.secret).update(bytes).digest().subarray(0, 16)]);
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .tuple(fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255)), { maxLength: 3 }), fc.nat(body.length))
      .map(([changes, length]) => {
        const copy = body.slice();
        for (const [at, value] of changes) copy[at] = value;
        return copy.subarray(0, length);
      }),
  );
  fc.assert(
    fc.property(bodies, (bytes) => {
      const read = readHeartbeat(sign(Uint8Array.from([...head, ...bytes])), key);
      if (!('error' in read)) assert.deepEqual(readHeartbeat(writeHeartbeat(read, key), key), read);
    }),
    { numRuns: 30_000 },
  );
});

test('a node with hundreds of interfaces is understood', () => {
  const interfaces = Array.from({ length: 700 }, (_, index) => ({
    name: `eth0.${index}`,
    up: true,
    subnets: index === 0 ? Array.from({ length: 300 }, () => subnet) : [],
  }));
  const many = heartbeat({ interfaces });
  assert.deepEqual(readHeartbeat(writeHeartbeat(many, key), key), many);
});

/** Plays events at their times from a machine that has just been told of its members a, b and c (it is a). */
function play(...events: readonly [time: number, event: MembershipEvent][]): {
  state: Membership;
  effects: [number, MembershipEffect][];
} {
  let state = initialMembership('a', 0, config);
  const effects: [number, MembershipEffect][] = [];
  for (const [time, event] of [[0, { kind: 'members', names: ['a', 'b', 'c'] }] as const, ...events]) {
    const step = stepMembership(state, event, time, config);
    state = step.state;
    effects.push(...step.effects.map((effect): [number, MembershipEffect] => [time, effect]));
  }
  return { state, effects };
}

const beat = (time: number, overrides: Partial<Heartbeat> = {}): [number, MembershipEvent] => [
  time,
  { kind: 'heartbeat', heartbeat: heartbeat({ sequence: BigInt(time), ...overrides }) },
];
const ticks = (from: number, to: number): [number, MembershipEvent][] =>
  Array.from({ length: (to - from) / 100 + 1 }, (_, index) => [from + index * 100, { kind: 'tick' }]);
const inOrder = (...events: [number, MembershipEvent][]) => events.sort((a, b) => a[0] - b[0]);

test('two heartbeats make a member alive, silence beyond the patience makes it dead', () => {
  const { effects } = play(...inOrder(beat(50), beat(150), ...ticks(100, 800)));
  assert.deepEqual(
    effects.filter(([, { kind }]) => kind === 'became-alive' || kind === 'became-dead'),
    [
      [150, { kind: 'became-alive', node: 'b' }],
      [600, { kind: 'became-dead', node: 'b', cause: 'silent' }],
    ],
  );
});

test('a node listens first, then may be elected', () => {
  const { effects, state } = play(...ticks(100, 1000));
  assert.deepEqual(effects, [[1000, { kind: 'settled' }]]);
  assert.equal(state.settlesAt, undefined);
});

test('a farewell is a death at once', () => {
  const { effects } = play(beat(50), beat(60), beat(70, { leaving: true }));
  assert.deepEqual(effects.at(-2), [70, { kind: 'became-dead', node: 'b', cause: 'left' }]);
});

test('old heartbeats sent again, of this start or an older one, are refused and keep nobody alive', () => {
  const { effects } = play(beat(50), beat(60), beat(60), beat(70, { bootId: 6n, sequence: 99n }));
  assert.deepEqual(effects.slice(-2), [
    [60, { kind: 'refused', cause: 'replayed' }],
    [70, { kind: 'refused', cause: 'replayed' }],
  ]);
});

test('heartbeats that overtake each other are no replays, but only the newest counts, and each once', () => {
  const sequences = [1n, 3n, 5n, 2n, 4n, 4n, 6n, 100n, 36n, 37n, 37n];
  const { effects, state } = play(...sequences.map((sequence, index) => beat(50 + index, { sequence })));
  assert.deepEqual(
    effects.filter(([, { kind }]) => kind === 'refused').map(([time]) => sequences[time - 50]),
    [4n, 36n, 37n],
  );
  assert.equal(state.members.get('b')?.lastHeard, 57);
  assert.equal(state.members.get('b')?.sequence, 100n);
});

test('a heartbeat overtaken by the farewell does not bring its sender back', () => {
  const farewell = beat(80, { sequence: 5n, leaving: true });
  const { state } = play(
    beat(50, { sequence: 1n }),
    beat(60, { sequence: 2n }),
    farewell,
    beat(81, { sequence: 4n }),
  );
  assert.equal(state.members.get('b')?.state, 'dead');
});

test('a restarted member goes on being alive under its new number', () => {
  const { state } = play(beat(50), beat(60), beat(70, { bootId: 8n, sequence: 1n }));
  assert.equal(state.members.get('b')?.state, 'alive');
});

test('strangers and twins are refused', () => {
  const { effects } = play(beat(50, { node: 'x' }), beat(60, { node: 'a' }));
  assert.deepEqual(effects, [
    [50, { kind: 'refused', cause: 'unknown-node' }],
    [60, { kind: 'refused', cause: 'own-name' }],
  ]);
});

test('a late tick judges nobody: the others’ heartbeats may wait in the socket', () => {
  const { effects, state } = play(...inOrder(beat(50), beat(150)), ...ticks(100, 200), [
    499,
    { kind: 'tick' },
  ]);
  assert.equal(effects.filter(([, { kind }]) => kind === 'became-dead').length, 0);
  assert.equal(state.members.get('b')?.state, 'alive');
});

test('a node that was late by the patience gives up and listens again', () => {
  const { effects, state } = play(...ticks(100, 1000), [1600, { kind: 'tick' }]);
  assert.deepEqual(effects.at(-1), [1600, { kind: 'was-late', milliseconds: 500 }]);
  assert.equal(state.settlesAt, 2600);
});

test('a node without others neither listens before it is elected, nor gives up when it was late', () => {
  let state = initialMembership('a', 0, config);
  const effects: MembershipEffect[] = [];
  for (const time of [100, 200, 5000, 5100]) {
    const step = stepMembership(state, { kind: 'tick' }, time, config);
    state = step.state;
    effects.push(...step.effects);
  }
  assert.deepEqual(effects, [{ kind: 'settled' }]);
  assert.equal(state.settlesAt, undefined);
});

test('a member that is no longer configured is gone', () => {
  const { effects, state } = play(beat(50), beat(60), [70, { kind: 'members', names: ['a', 'c'] }]);
  assert.deepEqual(effects.at(-1), [70, { kind: 'became-dead', node: 'b', cause: 'left' }]);
  assert.deepEqual([...state.members.keys()], ['c']);
});
