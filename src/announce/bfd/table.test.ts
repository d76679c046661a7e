// The sessions of a node: which packet is for which, what is refused, and how sessions come and go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressToBytes, parseAddress } from '../../model/address.ts';
import { type ControlPacket, writeControlPacket } from './message.ts';
import { samplePacket } from './sample-packets.ts';
import type { SessionSettings } from './session.ts';
import { seeded } from './simulation.ts';
import { type Arrival, createBfdTable, type Entry, type Refusal, type WantedSession } from './table.ts';

const address = (text: string) => {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
};

const settings: SessionSettings = {
  desiredMinTxMicroseconds: 50_000,
  requiredMinRxMicroseconds: 50_000,
  detectMultiplier: 3,
  isPassive: false,
  echoIntervalMicroseconds: undefined,
};

const wanted = (peer: string, more: Partial<WantedSession> = {}): WantedSession => ({
  peer: address(peer),
  local: undefined,
  interfaceName: undefined,
  isMultihop: false,
  settings,
  minimumTtl: 254,
  ...more,
});

const arrival = (source: string, more: Partial<Arrival> = {}): Arrival => ({
  isMultihop: false,
  source: addressToBytes(address(source)),
  destination: addressToBytes(address(source.includes(':') ? '2001:db8:1::1' : '192.0.2.1')),
  interfaceName: 'eth0',
  ttl: 255,
  ...more,
});

function bench() {
  const sent: { entry: Entry; packet: ControlPacket }[] = [];
  const gone: string[] = [];
  const table = createBfdTable({
    random: seeded(1),
    apply(entry, effect) {
      if (effect.kind === 'send') sent.push({ entry, packet: effect.packet });
      if (effect.kind === 'gone') gone.push(entry.key);
    },
  });
  const clock = { at: 0, stalled: 0 };
  return {
    table,
    sent,
    gone,
    clock,
    configure: (...all: WantedSession[]) => table.configure(all, clock),
    receive: (packet: Partial<ControlPacket>, how: Arrival): Refusal | undefined =>
      table.receive(writeControlPacket(samplePacket(packet)), how, clock),
    entry(index: number): Entry {
      const entry = [...table.entries.values()][index];
      assert.ok(entry);
      return entry;
    },
    run(milliseconds: number) {
      const end = clock.at + milliseconds;
      for (let next = table.nextDue(); next <= end; next = table.nextDue()) {
        clock.at = Math.max(clock.at, next);
        table.advance(clock);
      }
      clock.at = end;
    },
  };
}

test('§6.3: a packet that has our discriminator is for that session, one that has none for the path’s', () => {
  const it = bench();
  it.configure(wanted('192.0.2.7'), wanted('192.0.2.8'));
  assert.equal(it.receive({}, arrival('192.0.2.8')), undefined);
  assert.deepEqual([it.entry(0).session.state, it.entry(1).session.state], ['down', 'init']);
  const yourDiscriminator = it.entry(0).session.localDiscriminator;
  assert.equal(it.receive({ state: 'init', yourDiscriminator }, arrival('192.0.2.7')), undefined);
  assert.equal(it.entry(0).session.state, 'up');
});

test('a link-local peer is told by its interface, and two sessions with one peer by our address', () => {
  const it = bench();
  it.configure(
    wanted('fe80::7', { interfaceName: 'eth0' }),
    wanted('fe80::7', { interfaceName: 'eth1' }),
    wanted('2001:db8:1::7', { local: address('2001:db8:1::2') }),
    wanted('2001:db8:1::7', { local: address('2001:db8:1::1') }),
  );
  assert.equal(it.receive({}, arrival('fe80::7', { interfaceName: 'eth1' })), undefined);
  assert.equal(it.receive({}, arrival('fe80::7', { interfaceName: 'eth2' })), 'no-session');
  assert.equal(it.receive({}, arrival('2001:db8:1::7')), undefined);
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => it.entry(index).session.state),
    ['down', 'init', 'down', 'init'],
  );
});

test('each rule of reception refuses by its name', () => {
  const it = bench();
  it.configure(
    wanted('192.0.2.7'),
    wanted('198.51.100.7', { isMultihop: true, minimumTtl: 250 }),
    wanted('192.0.2.9', { interfaceName: 'eth1' }),
  );
  const ours = it.entry(0).session.localDiscriminator;
  const far = { isMultihop: true, ttl: 250 } as const;
  const authentication = { type: 'simple-password', keyId: 1, password: Uint8Array.of(1) } as const;
  const cases: readonly (readonly [Partial<ControlPacket>, Arrival, Refusal | undefined])[] = [
    // RFC 5881 §5: a neighbour's packet has passed no router.
    [{}, arrival('192.0.2.7', { ttl: 254 }), 'ttl'],
    [{}, arrival('192.0.2.7', { ttl: 1 }), 'ttl'],
    // RFC 5883 §5: how far a packet may have come is for the profile to say.
    [{}, arrival('198.51.100.7', { ...far, ttl: 249 }), 'ttl'],
    [{}, arrival('198.51.100.7', far), undefined],
    // RFC 5880 §6.8.6.
    [{ detectMultiplier: 0 }, arrival('192.0.2.7'), 'detect-multiplier'],
    [{ state: 'up' }, arrival('192.0.2.7'), 'your-discriminator'],
    [{ yourDiscriminator: (ours ^ 1) >>> 0 }, arrival('192.0.2.7'), 'no-session'],
    [{ authentication }, arrival('192.0.2.7'), 'authentication'],
    [{}, arrival('192.0.2.77'), 'no-session'],
    [{ yourDiscriminator: ours }, arrival('192.0.2.77'), 'other-path'],
    [{ yourDiscriminator: ours }, arrival('192.0.2.7', far), 'other-path'],
    [{}, arrival('198.51.100.7'), 'no-session'],
    [{}, arrival('192.0.2.9'), 'no-session'],
    [{}, arrival('192.0.2.9', { interfaceName: 'eth1' }), undefined],
  ];
  for (const [packet, how, refusal] of cases)
    assert.equal(it.receive(packet, how), refusal, JSON.stringify([packet, how.ttl, refusal]));
  it.receive({}, arrival('198.51.100.7', { ...far, ttl: 64 }));
  assert.deepEqual([it.entry(0).lowTtl, it.entry(1).lowTtl], [undefined, 64]);
  it.receive({}, arrival('198.51.100.7', far));
  assert.equal(it.entry(1).lowTtl, undefined);
  assert.deepEqual(
    [it.entry(0).packetsReceived, it.entry(1).packetsReceived, it.entry(2).packetsReceived],
    [0, 2, 1],
  );
});

test('a refused packet leaves its session as it was', () => {
  const it = bench();
  it.configure(wanted('192.0.2.7'));
  const before = structuredClone(it.entry(0).session);
  it.receive({ state: 'up', yourDiscriminator: 99 }, arrival('192.0.2.7'));
  it.receive({ state: 'down' }, arrival('192.0.2.7', { ttl: 64 }));
  assert.deepEqual(it.entry(0).session, before);
});

test('discriminators are distinct and never 0', () => {
  const dice = [0, 0.1, 0.5, 0.1, 0.5, 0.7, 0.5];
  let throws = 0;
  const table = createBfdTable({ random: () => dice[throws++ % dice.length] ?? 0, apply: () => {} });
  table.configure([wanted('192.0.2.7'), wanted('192.0.2.8'), wanted('192.0.2.9')], { at: 0, stalled: 0 });
  const all = [...table.entries.values()].map(({ session }) => session.localDiscriminator);
  assert.equal(new Set(all).size, 3);
  assert.ok(all.every((one) => one > 0 && one < 2 ** 32));
});

test('§6.8.16: a session that is wanted no more says so for as long as the other may wait for it, then is gone', () => {
  const it = bench();
  it.configure(wanted('192.0.2.7'), wanted('192.0.2.8'));
  it.run(100);
  it.sent.length = 0;
  it.configure(wanted('192.0.2.8'));
  assert.deepEqual(
    it.sent.map(({ packet }) => packet.state),
    ['admin-down'],
  );
  it.run(2900);
  assert.equal(it.gone.length, 0);
  assert.ok(it.sent.filter(({ packet }) => packet.state === 'admin-down').length >= 3);
  it.run(200);
  assert.deepEqual(it.gone, ['single-hop 192.0.2.7 - -']);
  assert.equal(it.receive({}, arrival('192.0.2.7')), 'no-session');
});

test('a session that is wanted again before it is gone goes on with its discriminator and new settings', () => {
  const it = bench();
  it.configure(wanted('192.0.2.7'));
  const { localDiscriminator } = it.entry(0).session;
  it.configure();
  it.run(500);
  it.configure(wanted('192.0.2.7', { settings: { ...settings, detectMultiplier: 9 } }));
  it.run(5000);
  assert.deepEqual(it.gone, []);
  const { session } = it.entry(0);
  assert.equal(session.localDiscriminator, localDiscriminator);
  assert.equal(session.state, 'down');
  assert.equal(it.sent.at(-1)?.packet.detectMultiplier, 9);
});

test('a table that stays as it is disturbs no session', () => {
  const it = bench();
  it.configure(wanted('192.0.2.7'));
  it.receive({}, arrival('192.0.2.7'));
  it.sent.length = 0;
  const before = structuredClone(it.entry(0).session);
  it.configure(wanted('192.0.2.7'));
  assert.deepEqual(it.entry(0).session, before);
  assert.equal(it.sent.length, 0);
});

test('a session that another process had goes on as it was', () => {
  const [first, second] = [bench(), bench()];
  first.configure(wanted('192.0.2.7'));
  const { session } = first.entry(0);
  first.receive({ state: 'init', yourDiscriminator: session.localDiscriminator }, arrival('192.0.2.7'));
  second.clock.at = 140;
  second.table.adopt(wanted('192.0.2.7'), structuredClone(session), second.clock);
  second.configure(wanted('192.0.2.7'));
  assert.equal(second.entry(0).session.state, 'up');
  const { localDiscriminator } = session;
  assert.equal(
    second.receive({ state: 'up', yourDiscriminator: localDiscriminator }, arrival('192.0.2.7')),
    undefined,
  );
  second.run(100);
  assert.equal(second.entry(0).session.state, 'up');
  assert.ok(second.sent.length >= 2);
});
