// One session: the state machine of RFC 5880 as a table, and its timers, section by section.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnostic } from './diagnostic.ts';
import { stepSession } from './machine.ts';
import { type BfdState, bfdStates, type ControlPacket } from './message.ts';
import { samplePacket } from './sample-packets.ts';
import {
  createSession,
  detectAt,
  detectionTime,
  nextDeadline,
  type Session,
  type SessionSettings,
  transmitInterval,
} from './session.ts';
import type { SessionEvent } from './session-event.ts';
import { seeded } from './simulation.ts';

const settings: SessionSettings = {
  desiredMinTxMicroseconds: 50_000,
  requiredMinRxMicroseconds: 40_000,
  detectMultiplier: 3,
  isPassive: false,
  echoIntervalMicroseconds: undefined,
};

/** A session at time 0 whose dice always fall on `die`, and its own clock. */
class Bench {
  readonly session: Session;
  readonly sent: ControlPacket[] = [];
  readonly echoes: number[] = [];
  changes = 0;
  at = 0;
  stalled = 0;
  readonly random: () => number;

  constructor(more: Partial<SessionSettings> = {}, die = 0.5) {
    this.random = () => die;
    this.session = createSession(11, { ...settings, ...more }, this.now, this.random);
  }

  get now() {
    return { at: this.at, stalled: this.stalled };
  }

  step(event: SessionEvent): void {
    for (const effect of stepSession(this.session, event, this.now, this.random)) {
      if (effect.kind === 'send') this.sent.push(effect.packet);
      else if (effect.kind === 'send-echo') this.echoes.push(effect.sequence);
      else this.changes++;
    }
  }

  hear(more: Partial<ControlPacket> = {}): void {
    const packet = samplePacket({
      desiredMinTxMicroseconds: 60_000,
      requiredMinRxMicroseconds: 30_000,
      ...more,
    });
    this.step({ kind: 'packet', packet });
  }

  /** Lets time pass, deadline by deadline. */
  wait(milliseconds: number): void {
    const end = this.at + milliseconds;
    for (let next = nextDeadline(this.session, this.now); next <= end; ) {
      this.at = Math.max(this.at, next);
      this.step({ kind: 'tick' });
      next = nextDeadline(this.session, this.now);
    }
    this.at = end;
  }

  /** Both up, with the poll that tells of our timers answered, and nothing sent since. */
  comeUp(more: Partial<ControlPacket> = {}): void {
    this.hear({ state: 'init', yourDiscriminator: 11, ...more });
    this.hear({ state: 'up', yourDiscriminator: 11, final: true, ...more });
    this.sent.length = 0;
    this.changes = 0;
  }
}

/** A bench whose session is in this state. */
function inState(state: BfdState): Bench {
  const bench = new Bench();
  if (state === 'init') bench.hear({ state: 'down' });
  else if (state === 'up') bench.comeUp();
  else if (state === 'admin-down') bench.step({ kind: 'admin-down' });
  bench.sent.length = 0;
  return bench;
}

test('§6.2, §6.8.6: every state answers every received state as the state machine says', () => {
  const table: Record<BfdState, Record<BfdState, BfdState>> = {
    'admin-down': { 'admin-down': 'admin-down', down: 'admin-down', init: 'admin-down', up: 'admin-down' },
    down: { 'admin-down': 'down', down: 'init', init: 'up', up: 'down' },
    init: { 'admin-down': 'down', down: 'init', init: 'up', up: 'up' },
    up: { 'admin-down': 'down', down: 'down', init: 'up', up: 'up' },
  };
  for (const ours of bfdStates) {
    for (const received of bfdStates) {
      const bench = inState(ours);
      bench.hear({ state: received, yourDiscriminator: 11 });
      const wanted = table[ours][received];
      const title = `${ours} hears ${received}`;
      assert.equal(bench.session.state, wanted, title);
      if (wanted === ours) continue;
      // A change is told at once (§6.8.7).
      assert.equal(bench.sent.length, 1, title);
      assert.equal(bench.sent[0]?.state, wanted, title);
      const isDown = wanted === 'down';
      assert.equal(bench.session.diagnostic, isDown ? diagnostic.neighbourSignalledDown : 0, title);
    }
  }
});

test('§6.8.1: a session begins down, with slow packets and no remote discriminator', () => {
  const bench = new Bench();
  bench.wait(100);
  const [first] = bench.sent;
  assert.equal(bench.sent.length, 1);
  assert.deepEqual(
    [first?.state, first?.myDiscriminator, first?.yourDiscriminator, first?.desiredMinTxMicroseconds],
    ['down', 11, 0, 1_000_000],
  );
  assert.equal(first?.requiredMinRxMicroseconds, 40_000);
  assert.equal(first?.controlPlaneIndependent, true);
  assert.equal(first?.demand, false);
});

test('§6.8.3: while not up, packets are a second apart less jitter, however fast either side would be', () => {
  for (const die of [0, 0.3, 0.6, 0.999999]) {
    const bench = new Bench({}, die);
    bench.wait(100);
    bench.hear({ state: 'down', requiredMinRxMicroseconds: 1, desiredMinTxMicroseconds: 10_000_000 });
    bench.sent.length = 0;
    const before = bench.session.lastSentAt;
    assert.equal(before, bench.at);
    bench.wait(749);
    assert.equal(bench.sent.length, 0, `${die}`);
    bench.wait(251);
    assert.equal(bench.sent.length, 1, `${die}`);
  }
});

test('§6.8.2, §6.8.7: up, packets are at the slower of both wishes, less 0–25 %; with a multiplier of 1 less 10–25 %', () => {
  for (const [detectMultiplier, longest] of [
    [3, 80],
    [1, 72],
  ] as const) {
    const waits: number[] = [];
    for (let die = 0; die < 1; die += 0.01) {
      const bench = new Bench({ detectMultiplier }, die);
      bench.at = 1234.5 + 7 * die;
      bench.comeUp({ requiredMinRxMicroseconds: 80_000 });
      assert.equal(transmitInterval(bench.session), 80);
      waits.push(bench.session.transmitAt - bench.session.lastSentAt);
    }
    const [least, most] = [Math.min(...waits), Math.max(...waits)];
    assert.ok(least >= 60 && least < 62, `${least}`);
    assert.ok(most <= longest && most > longest - 4, `${most}`);
  }
});

test('many sessions send together, a few times in the span that jitter allows', () => {
  const random = seeded(3);
  const marks = new Set<number>();
  for (let index = 0; index < 1000; index++) {
    const bench = new Bench({}, random());
    bench.at = 1000 + 50 * random();
    bench.comeUp();
    marks.add(bench.session.transmitAt);
  }
  // 62.5 ms in which they fall, 4 ms apart.
  assert.ok(marks.size < 30, `${marks.size}`);
});

test('§6.8.4: the detection time is the other’s multiplier times the slower of our wish and its offer', () => {
  const bench = new Bench();
  bench.comeUp({ detectMultiplier: 5, desiredMinTxMicroseconds: 60_000 });
  assert.equal(detectionTime(bench.session), 300);
  bench.hear({ state: 'up', yourDiscriminator: 11, detectMultiplier: 4, desiredMinTxMicroseconds: 20_000 });
  assert.equal(detectionTime(bench.session), 160);
});

test('§6.8.4: a silence as long as the detection time ends the session, and the other’s discriminator is void', () => {
  const bench = new Bench();
  bench.comeUp();
  const patience = detectionTime(bench.session);
  bench.wait(patience - 1);
  assert.equal(bench.session.state, 'up');
  bench.sent.length = 0;
  bench.wait(1);
  assert.equal(bench.session.state, 'down');
  assert.equal(bench.session.diagnostic, diagnostic.detectionTimeExpired);
  const [told] = bench.sent;
  assert.deepEqual([told?.state, told?.diagnostic, told?.yourDiscriminator], ['down', 1, 0]);
  assert.equal(told?.desiredMinTxMicroseconds, 1_000_000);
});

test('§6.8.4: one that is initializing is given up as well', () => {
  const bench = new Bench();
  bench.hear({ state: 'down', desiredMinTxMicroseconds: 1_000_000 });
  bench.wait(2999);
  assert.equal(bench.session.state, 'init');
  bench.wait(1);
  assert.equal(bench.session.state, 'down');
  assert.equal(bench.session.diagnostic, diagnostic.detectionTimeExpired);
});

test('§6.8.1: one that is down forgets the other’s discriminator after a detection time', () => {
  const bench = new Bench();
  bench.hear({ state: 'up', yourDiscriminator: 11 });
  assert.equal(bench.session.state, 'down');
  assert.equal(bench.session.remote.discriminator, 77);
  bench.wait(180);
  assert.equal(bench.session.remote.discriminator, 0);
});

test('what we were late ourselves is not held against the other', () => {
  const bench = new Bench();
  bench.comeUp();
  const patience = detectionTime(bench.session);
  const end = bench.session.heard?.at ?? 0;
  bench.stalled = 100;
  assert.equal(detectAt(bench.session, bench.now), end + patience + 100);
  // The next packet clears the account.
  bench.hear({ state: 'up', yourDiscriminator: 11 });
  assert.equal(detectAt(bench.session, bench.now), bench.at + patience);
});

test('§6.8.6: the diagnostic of a failure is told until the session is up again', () => {
  const bench = new Bench();
  bench.comeUp();
  bench.wait(500);
  bench.sent.length = 0;
  bench.hear({ state: 'down' });
  assert.deepEqual(
    [bench.sent[0]?.state, bench.sent[0]?.diagnostic],
    ['init', diagnostic.detectionTimeExpired],
  );
  bench.hear({ state: 'init', yourDiscriminator: 11 });
  assert.deepEqual([bench.sent[1]?.state, bench.sent[1]?.diagnostic], ['up', 0]);
});

test('§6.5, §6.8.6: a poll is answered at once with a final, whatever else; also by the packet that tells a change', () => {
  const bench = new Bench();
  bench.comeUp();
  const due = bench.session.transmitAt;
  bench.hear({ state: 'up', yourDiscriminator: 11, poll: true });
  assert.deepEqual(
    bench.sent.map(({ poll, final }) => [poll, final]),
    [[false, true]],
  );
  assert.equal(bench.session.transmitAt, due);
  bench.sent.length = 0;
  bench.hear({ state: 'down', poll: true });
  assert.deepEqual(
    bench.sent.map(({ state, final }) => [state, final]),
    [['down', true]],
  );
});

test('§6.8.3: coming up, faster packets begin at once and are told by a poll until a final comes', () => {
  const bench = new Bench();
  bench.hear({ state: 'init', yourDiscriminator: 11 });
  assert.equal(bench.session.state, 'up');
  assert.equal(transmitInterval(bench.session), 50);
  bench.wait(100);
  assert.deepEqual(
    bench.sent.map(({ poll, desiredMinTxMicroseconds }) => [poll, desiredMinTxMicroseconds]),
    [
      [true, 50_000],
      [true, 50_000],
      [true, 50_000],
    ],
  );
  bench.hear({ state: 'up', yourDiscriminator: 11, final: true });
  bench.sent.length = 0;
  bench.wait(50);
  assert.deepEqual(
    bench.sent.map(({ poll }) => poll),
    [false],
  );
});

test('§6.8.3: up, a longer transmit interval and a shorter detection time wait for the final', () => {
  const bench = new Bench();
  bench.comeUp({ desiredMinTxMicroseconds: 10_000, requiredMinRxMicroseconds: 10_000 });
  const change = { ...settings, desiredMinTxMicroseconds: 200_000, requiredMinRxMicroseconds: 20_000 };
  bench.step({ kind: 'settings', settings: change });
  const [told] = bench.sent;
  assert.deepEqual(
    [told?.poll, told?.desiredMinTxMicroseconds, told?.requiredMinRxMicroseconds],
    [true, 200_000, 20_000],
  );
  assert.equal(transmitInterval(bench.session), 50);
  assert.equal(detectionTime(bench.session), 120);
  const quick = { desiredMinTxMicroseconds: 10_000, requiredMinRxMicroseconds: 10_000 };
  bench.hear({ state: 'up', yourDiscriminator: 11, ...quick });
  assert.equal(transmitInterval(bench.session), 50);
  bench.hear({ state: 'up', yourDiscriminator: 11, final: true, ...quick });
  assert.equal(transmitInterval(bench.session), 200);
  assert.equal(detectionTime(bench.session), 60);
});

test('§6.8.3: a shorter transmit interval and a longer detection time do not wait', () => {
  const bench = new Bench();
  bench.comeUp({ desiredMinTxMicroseconds: 10_000, requiredMinRxMicroseconds: 10_000 });
  const change = { ...settings, desiredMinTxMicroseconds: 20_000, requiredMinRxMicroseconds: 400_000 };
  bench.step({ kind: 'settings', settings: change });
  assert.equal(transmitInterval(bench.session), 20);
  assert.equal(detectionTime(bench.session), 1200);
  assert.equal(bench.sent[0]?.poll, true);
});

test('§6.5: a change during a poll sequence is polled for anew, and nothing is in force before', () => {
  const bench = new Bench();
  bench.comeUp({ requiredMinRxMicroseconds: 10_000 });
  const quick = { state: 'up', yourDiscriminator: 11, requiredMinRxMicroseconds: 10_000 } as const;
  bench.step({ kind: 'settings', settings: { ...settings, desiredMinTxMicroseconds: 100_000 } });
  bench.step({ kind: 'settings', settings: { ...settings, desiredMinTxMicroseconds: 200_000 } });
  bench.hear({ ...quick, final: true });
  assert.equal(transmitInterval(bench.session), 50);
  // Two packets had asked: the answer to the second must not end the next sequence, which therefore waits.
  bench.hear({ ...quick, final: true });
  assert.equal(transmitInterval(bench.session), 50);
  bench.sent.length = 0;
  for (let turn = 0; turn < 6; turn++) {
    bench.wait(50);
    bench.hear(quick);
  }
  assert.equal(bench.sent.at(-1)?.poll, true);
  bench.hear({ ...quick, final: true });
  assert.equal(transmitInterval(bench.session), 200);
});

test('§6.8.3: a shorter interval that the other allows counts from the packet before', () => {
  const bench = new Bench({}, 0.999999);
  bench.comeUp({ requiredMinRxMicroseconds: 1_000_000, desiredMinTxMicroseconds: 1_000_000 });
  bench.wait(1000);
  const last = bench.session.lastSentAt;
  bench.wait(300);
  assert.equal(bench.session.lastSentAt, last);
  bench.hear({ state: 'up', yourDiscriminator: 11, requiredMinRxMicroseconds: 30_000 });
  assert.equal(bench.session.transmitAt, bench.at);
});

test('§6.8.7: no periodic packets to one that wants none, and again when it wants some', () => {
  const bench = new Bench();
  bench.comeUp({ requiredMinRxMicroseconds: 0, desiredMinTxMicroseconds: 10_000_000 });
  bench.wait(5000);
  assert.equal(bench.sent.length, 0);
  bench.hear({ state: 'up', yourDiscriminator: 11, requiredMinRxMicroseconds: 50_000 });
  bench.wait(10);
  assert.equal(bench.sent.length, 1);
});

test('§6.6, §6.8.7: in the other’s demand mode periodic packets stop while both are up; polls go on, and are answered', () => {
  const bench = new Bench();
  const wish = { demand: true, desiredMinTxMicroseconds: 10_000_000 };
  const demand = { ...wish, state: 'up', yourDiscriminator: 11 } as const;
  bench.comeUp(wish);
  bench.wait(5000);
  assert.equal(bench.sent.length, 0);
  bench.hear({ ...demand, poll: true });
  assert.deepEqual(
    bench.sent.map(({ final }) => final),
    [true],
  );
  bench.sent.length = 0;
  bench.step({ kind: 'settings', settings: { ...settings, desiredMinTxMicroseconds: 100_000 } });
  bench.wait(200);
  assert.ok(bench.sent.length >= 3);
  assert.ok(bench.sent.every(({ poll }) => poll));
  bench.hear({ ...demand, final: true });
  bench.sent.length = 0;
  bench.wait(2000);
  assert.equal(bench.sent.length, 0);
  // It leaves demand mode.
  bench.hear({ ...demand, demand: false });
  bench.wait(100);
  assert.ok(bench.sent.length >= 1);
});

test('§6.1, §6.8.7: a passive session says nothing before it is spoken to, nor after a silence', () => {
  const bench = new Bench({ isPassive: true });
  bench.wait(10_000);
  assert.equal(bench.sent.length, 0);
  bench.hear({ state: 'down' });
  assert.equal(bench.sent[0]?.state, 'init');
  bench.wait(10_000);
  bench.sent.length = 0;
  assert.equal(bench.session.remote.discriminator, 0);
  bench.wait(10_000);
  assert.equal(bench.sent.length, 0);
});

test('§6.8.16: administratively down is told at once and once a second, and hears nothing until it is taken back', () => {
  const bench = new Bench();
  bench.comeUp();
  bench.step({ kind: 'admin-down' });
  assert.deepEqual(
    bench.sent.map(({ state, diagnostic: cause }) => [state, cause]),
    [['admin-down', diagnostic.administrativelyDown]],
  );
  bench.hear({ state: 'down' });
  bench.wait(2100);
  assert.ok(bench.sent.length >= 3 && bench.sent.length <= 4, `${bench.sent.length}`);
  assert.equal(bench.session.state, 'admin-down');
  bench.step({ kind: 'admin-up' });
  assert.equal(bench.session.state, 'down');
  bench.hear({ state: 'down' });
  assert.equal(bench.session.state, 'init');
});

test('a change of the multiplier is told at once, without a poll', () => {
  const bench = new Bench();
  bench.comeUp();
  bench.step({ kind: 'settings', settings: { ...settings, detectMultiplier: 7 } });
  assert.deepEqual(
    bench.sent.map(({ detectMultiplier, poll }) => [detectMultiplier, poll]),
    [[7, false]],
  );
});

test('§6.8.9: echo packets go out while up to one that sends them back, and control packets become rare', () => {
  const bench = new Bench({ echoIntervalMicroseconds: 20_000 });
  const remote = { state: 'up', yourDiscriminator: 11, requiredMinEchoRxMicroseconds: 30_000 } as const;
  bench.comeUp({ requiredMinEchoRxMicroseconds: 30_000 });
  bench.wait(50);
  assert.deepEqual(bench.echoes, [1]);
  assert.equal(bench.session.requiredMinRxMicroseconds, 40_000);
  bench.step({ kind: 'echo-returned' });
  assert.equal(bench.session.echo.state, 'active');
  assert.equal(bench.session.requiredMinRxMicroseconds, 1_000_000);
  for (let turn = 0; turn < 10; turn++) {
    bench.wait(30);
    bench.hear(remote);
    bench.step({ kind: 'echo-returned' });
  }
  assert.ok(bench.echoes.length >= 10 && bench.echoes.length <= 12, `${bench.echoes.length}`);
  // The path breaks one way only: control packets still come.
  for (let turn = 0; turn < 3; turn++) {
    bench.wait(29);
    bench.hear(remote);
    assert.equal(bench.session.state, 'up');
  }
  bench.wait(10);
  assert.equal(bench.session.state, 'down');
  assert.equal(bench.session.diagnostic, diagnostic.echoFailed);
});

test('§6.8.9: none go out where the other does not want them, and nothing follows from those that never come back', () => {
  const unwanted = new Bench({ echoIntervalMicroseconds: 20_000 });
  unwanted.comeUp({ requiredMinEchoRxMicroseconds: 0 });
  unwanted.wait(100);
  assert.deepEqual(unwanted.echoes, []);
  const lost = new Bench({ echoIntervalMicroseconds: 20_000 });
  lost.comeUp({ requiredMinEchoRxMicroseconds: 1 });
  for (let turn = 0; turn < 50; turn++) {
    lost.wait(100);
    lost.hear({ state: 'up', yourDiscriminator: 11, requiredMinEchoRxMicroseconds: 1 });
  }
  assert.equal(lost.session.state, 'up');
  assert.ok(lost.echoes.length >= 4 && lost.echoes.length <= 6, `${lost.echoes.length}`);
});

test('the least time that was left is known, when packets come and when they go', () => {
  const bench = new Bench({}, 0.999999);
  bench.comeUp();
  const patience = detectionTime(bench.session);
  bench.session.leastReceiveSlackMilliseconds = Number.POSITIVE_INFINITY;
  bench.session.leastTransmitSlackMilliseconds = Number.POSITIVE_INFINITY;
  bench.wait(100);
  bench.hear({ state: 'up', yourDiscriminator: 11 });
  assert.equal(bench.session.leastReceiveSlackMilliseconds, patience - 100);
  // Three packets a detection time: two thirds are left.
  const slack = bench.session.leastTransmitSlackMilliseconds;
  assert.ok(slack >= 100 && slack <= 104, `${slack}`);
});
