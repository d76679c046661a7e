// One session: the state machine of RFC 4271 §8 as tables, then what later RFCs add, each by its section.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ourOpen } from './agreement.ts';
import { downText } from './down-text.ts';
import { stepSession } from './machine.ts';
import { keepalive, type Message } from './message.ts';
import { notification, shutdownCommunication } from './notification.ts';
import {
  createSession,
  nextDeadline,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from './session.ts';
import type { PeerSettings } from './settings.ts';
import { endOfRib } from './update.ts';

const settings: PeerSettings = {
  localAsn: 64500,
  peerAsn: 64501,
  routerId: 0xc0000201,
  families: ['IPv4', 'IPv6'],
  extendedNextHop: false,
  addPath: [],
  holdTimeSeconds: 90,
  keepaliveSeconds: 30,
  connectRetrySeconds: 10,
  isPassive: false,
  role: undefined,
  isRoleStrict: false,
  gracefulRestart: undefined,
};
const restart = { restartTimeSeconds: 120, longLivedSeconds: 3600, endOfRibSeconds: 60 };

/** A session at time 0, whose dice fall on 0 (no jitter), and its peer's settings. */
class Bench {
  readonly session: Session;
  readonly peer: PeerSettings;
  now = 0;
  die = 0;
  effects: SessionEffect[] = [];

  constructor(more: Partial<PeerSettings> = {}, peer: Partial<PeerSettings> = {}, isRestarting = false) {
    this.session = createSession({ ...settings, ...more }, isRestarting);
    this.peer = { ...settings, localAsn: 64501, peerAsn: 64500, routerId: 0xc0000202, ...peer };
  }

  step(event: SessionEvent): SessionEffect[] {
    this.effects = stepSession(this.session, event, this.now, () => this.die);
    return this.effects;
  }

  hear(message: Message, connection = this.session.connections[0]?.id ?? 0): SessionEffect[] {
    return this.step({ kind: 'message', connection, message });
  }

  open(): Message {
    return ourOpen(this.peer, false);
  }

  advance(seconds: number): SessionEffect[] {
    this.now += 1000 * seconds;
    return this.step({ kind: 'tick' });
  }

  /** Through the states up to this one. */
  to(state: SessionState): this {
    if (state === 'idle') return this;
    if (this.session.retryAt < Number.POSITIVE_INFINITY) {
      this.now = this.session.retryAt;
      this.step({ kind: 'tick' });
    } else this.step({ kind: 'start' });
    if (state === 'connect') return this;
    this.step({ kind: 'connected', connection: this.session.connections[0]?.id ?? 0 });
    if (state === 'open-sent') return this;
    this.hear(this.open());
    if (state === 'open-confirm') return this;
    this.hear(keepalive);
    assert.equal(this.session.state, 'established');
    return this;
  }

  /** The NOTIFICATION sent by the last step, as code and subcode. */
  said(): readonly number[] | undefined {
    for (const effect of this.effects)
      if (effect.kind === 'send' && effect.message.kind === 'notification')
        return [effect.message.code, effect.message.subcode];
    return undefined;
  }

  kinds(): string[] {
    return this.effects.map(({ kind }) => kind);
  }
}

test('each event in each state leads where RFC 4271 §8.2.2 says', () => {
  const closed: SessionEvent = { kind: 'closed', connection: 1, text: 'reset' };
  const shutdown: SessionEvent = { kind: 'stop', why: 'shutdown', communication: '' };
  const bad: SessionEvent = { kind: 'bad-message', connection: 1, error: notification(1, 2) };
  const hear = (message: Message): SessionEvent => ({ kind: 'message', connection: 1, message });
  const refresh: Message = { kind: 'route-refresh', afi: 1, subtype: 0, safi: 1 };
  const open = new Bench().open();
  const cases: readonly (readonly [SessionState, SessionEvent, SessionState, (readonly number[])?])[] = [
    ['idle', { kind: 'start' }, 'connect'],
    ['idle', shutdown, 'idle'],
    ['connect', { kind: 'connected', connection: 1 }, 'open-sent'],
    ['connect', closed, 'active'],
    ['connect', shutdown, 'idle'],
    ['open-sent', hear(open), 'open-confirm'],
    ['open-sent', hear(keepalive), 'active', [5, 1]],
    ['open-sent', hear(endOfRib('IPv4')), 'active', [5, 1]],
    ['open-sent', hear(notification(2, 1)), 'active'],
    ['open-sent', bad, 'active', [1, 2]],
    ['open-sent', closed, 'active'],
    ['open-sent', shutdown, 'idle', [6, 2]],
    ['open-confirm', hear(keepalive), 'established'],
    ['open-confirm', hear(open), 'active', [5, 2]],
    ['open-confirm', hear(refresh), 'active', [5, 2]],
    ['open-confirm', hear(notification(6, 5)), 'active'],
    ['open-confirm', closed, 'active'],
    ['open-confirm', shutdown, 'idle', [6, 2]],
    ['established', hear(keepalive), 'established'],
    ['established', hear(refresh), 'established'],
    ['established', hear(open), 'active', [5, 3]],
    ['established', hear(notification(6, 4)), 'active'],
    ['established', bad, 'active', [1, 2]],
    ['established', closed, 'active'],
    ['established', { kind: 'stop', why: 'reset', communication: '' }, 'idle', [6, 4]],
    ['established', { kind: 'stop', why: 'deconfigured' }, 'idle', [6, 3]],
    ['established', { kind: 'stop', why: 'configuration-change' }, 'idle', [6, 6]],
    ['established', { kind: 'bfd-down' }, 'active', [6, 10]],
  ];
  for (const [from, event, to, said] of cases) {
    const bench = new Bench().to(from);
    bench.step(event);
    const name = `${from}: ${JSON.stringify(event)}`;
    assert.equal(bench.session.state, to, name);
    assert.deepEqual(bench.said(), said, name);
  }
});

test('the hold timer is 4 minutes in OpenSent, then as agreed, and every message restarts it (§4.4, §6.5)', () => {
  const waiting = new Bench().to('open-sent');
  waiting.advance(239);
  assert.equal(waiting.session.state, 'open-sent');
  waiting.advance(1);
  assert.deepEqual(waiting.said(), [4, 0]);
  const bench = new Bench({}, { holdTimeSeconds: 9 }).to('established');
  assert.equal(bench.session.agreement?.keepaliveMilliseconds, 3000);
  bench.advance(8);
  bench.hear(keepalive);
  bench.advance(8);
  assert.equal(bench.session.state, 'established');
  bench.advance(1);
  assert.deepEqual(bench.said(), [4, 0]);
  const none = new Bench({}, { holdTimeSeconds: 0 }).to('established');
  assert.equal(nextDeadline(none.session), Number.POSITIVE_INFINITY);
});

test('keepalives go out after 75 to 100 % of their time (§10)', () => {
  for (const [die, seconds] of [
    [0, 30],
    [0.999999, 22.5],
  ] as const) {
    const bench = new Bench();
    bench.die = die;
    bench.to('established');
    assert.ok(Math.abs((bench.session.connections[0]?.keepaliveAt ?? 0) - 1000 * seconds) < 1);
    assert.deepEqual(bench.advance(seconds + 0.001), [{ kind: 'send', connection: 1, message: keepalive }]);
  }
});

test('retries come ever later, and only Established makes them soon again (§8.2.1)', () => {
  const bench = new Bench();
  const delays: number[] = [];
  for (let round = 0; round < 6; round++) {
    // To open one's ears is not to be well: the peer refuses each time.
    bench.to('open-sent').hear(notification(6, 5));
    delays.push((bench.session.retryAt - bench.now) / 1000);
  }
  assert.deepEqual(delays, [10, 20, 30, 30, 30, 30]);
  bench.to('established').step({ kind: 'bfd-down' });
  assert.equal(bench.session.retryAt - bench.now, 10_000);
});

test('that BFD is up again spares the wait for the next try', () => {
  const bench = new Bench().to('established');
  bench.step({ kind: 'bfd-down' });
  bench.step({ kind: 'bfd-up' });
  assert.equal(bench.session.state, 'connect');
  const idle = new Bench();
  idle.step({ kind: 'bfd-up' });
  assert.equal(idle.session.state, 'idle');
});

test('of two connections that collide, that of the higher router ID stays (§6.8)', () => {
  for (const [ours, kept] of [
    [0xc0000201, false],
    [0xc0000203, true],
  ] as const) {
    const bench = new Bench({ routerId: ours }).to('open-confirm');
    bench.step({ kind: 'accepted' });
    assert.equal(bench.session.connections.length, 2);
    bench.hear(bench.open(), 2);
    assert.deepEqual(bench.said(), [6, 7]);
    assert.deepEqual(
      bench.session.connections.map(({ isOurs }) => isOurs),
      [kept],
    );
    bench.hear(keepalive);
    assert.equal(bench.session.state, 'established');
  }
  const established = new Bench().to('established');
  established.step({ kind: 'accepted' });
  established.hear(established.open(), 2);
  assert.deepEqual(established.said(), [6, 7]);
  assert.equal(established.session.state, 'established');
});

test('a passive peer waits, and a stopped one turns callers away', () => {
  const passive = new Bench({ isPassive: true });
  assert.deepEqual(passive.step({ kind: 'start' }), []);
  assert.equal(passive.session.state, 'active');
  passive.step({ kind: 'accepted' });
  passive.hear(passive.open());
  passive.hear(keepalive);
  assert.equal(passive.session.state, 'established');
  const stopped = new Bench();
  stopped.step({ kind: 'accepted' });
  assert.deepEqual(stopped.said(), [6, 5]);
  assert.equal(stopped.session.connections.length, 0);
});

test('OPENs that do not go together are refused, each in words', () => {
  const cases: readonly (readonly [
    Partial<PeerSettings>,
    Partial<PeerSettings>,
    readonly number[],
    RegExp,
  ])[] = [
    [{ peerAsn: 64999 }, {}, [2, 2], /AS 64501, but 64999/],
    [{ peerAsn: 'internal' }, {}, [2, 2], /internal/],
    [{ peerAsn: 'external' }, { localAsn: 64500 }, [2, 2], /external/],
    [{ peerAsn: 'internal' }, { localAsn: 64500, routerId: 0xc0000201 }, [2, 3], /192\.0\.2\.1/],
    [{ families: ['IPv6'] }, { families: ['IPv4'] }, [2, 7], /families/],
    [{ role: 'customer' }, { role: 'customer' }, [2, 11], /customer/],
    [{ role: 'customer', isRoleStrict: true }, {}, [2, 11], /not told/],
  ];
  for (const [ours, theirs, said, words] of cases) {
    const bench = new Bench(ours, theirs).to('open-confirm');
    assert.deepEqual(bench.said(), said);
    assert.ok(bench.session.lastDown);
    assert.match(downText(bench.session.lastDown), words);
  }
  for (const [ours, theirs] of [
    [{ role: 'customer' }, { role: 'provider' }],
    [{ role: 'customer' }, {}],
    [{ peerAsn: 'external' }, {}],
    [{}, { routerId: 0xc0000201 }],
  ] as const)
    new Bench(ours, theirs).to('established');
});

test('a peer that takes no bytes is given up after 8 minutes or twice the hold time (RFC 9687)', () => {
  const bench = new Bench({}, {}).to('established');
  const waiting: SessionEvent = { kind: 'socket', connection: 1, waitingBytes: 5 };
  bench.step(waiting);
  for (let round = 0; round < 8; round++) {
    bench.hear(keepalive);
    bench.advance(59);
  }
  assert.equal(bench.session.state, 'established');
  bench.hear(keepalive);
  bench.advance(8);
  assert.deepEqual(bench.said(), [8, 0]);
});

test('a refresh is answered between marks where both know them (RFC 7313), and only of agreed families', () => {
  const bench = new Bench({ families: ['IPv4'] }).to('established');
  bench.hear({ kind: 'route-refresh', afi: 1, subtype: 0, safi: 1 });
  assert.deepEqual(bench.effects, [{ kind: 'resend', family: 'IPv4', isMarked: true }]);
  assert.deepEqual(bench.hear({ kind: 'route-refresh', afi: 2, subtype: 0, safi: 1 }), []);
  assert.deepEqual(bench.hear({ kind: 'route-refresh', afi: 1, subtype: 9, safi: 1 }), []);
});

test('after a restart R and F are set until the first session, and never again (RFC 4724 §4.1)', () => {
  const bench = new Bench({ gracefulRestart: restart }, {}, true);
  const flags = (): unknown => {
    const sent = bench.effects.find((one) => one.kind === 'send' && one.message.kind === 'open');
    assert.ok(sent?.kind === 'send' && sent.message.kind === 'open');
    const capability = sent.message.capabilities.find((one) => one.kind === 'graceful-restart');
    return capability && [capability.isRestarting, capability.families[0]?.isForwarding];
  };
  bench.to('open-sent');
  assert.deepEqual(flags(), [true, true]);
  bench.hear(bench.open());
  bench.hear(keepalive);
  bench.step({ kind: 'bfd-down' });
  bench.to('open-sent');
  assert.deepEqual(flags(), [false, false]);
});

test('a planned restart says nothing, a shutdown is a Hard Reset (RFC 4724 §4.1, RFC 8538 §3.1)', () => {
  const both = { gracefulRestart: restart };
  const away = new Bench(both, both).to('established');
  away.step({ kind: 'stop', why: 'planned-restart' });
  assert.deepEqual(away.kinds().slice(0, 2), ['close', 'down']);
  const gone = new Bench(both, both).to('established');
  gone.step({ kind: 'stop', why: 'shutdown', communication: 'drained' });
  assert.deepEqual(gone.said(), [6, 9]);
  const plain = new Bench().to('established');
  plain.step({ kind: 'stop', why: 'shutdown', communication: 'drained' });
  const [sent] = plain.effects;
  assert.ok(sent?.kind === 'send' && sent.message.kind === 'notification');
  assert.equal(shutdownCommunication(sent.message), 'drained');
});

test('a restarting peer’s routes are kept, then long-lived, then dropped (RFC 4724 §4.2, RFC 9494 §4.2)', () => {
  const both: Partial<PeerSettings> = { gracefulRestart: restart, families: ['IPv4'] };
  const stale = (bench: Bench): string[] =>
    bench.effects.flatMap((effect) => (effect.kind === 'stale' ? [effect.what] : []));
  const bench = new Bench(both, both).to('established');
  bench.step({ kind: 'closed', connection: 1, text: 'end of file' });
  assert.deepEqual(stale(bench), ['keep']);
  bench.advance(119);
  assert.deepEqual(stale(bench), []);
  bench.advance(1);
  assert.deepEqual(stale(bench), ['mark-long-lived']);
  bench.advance(3600);
  assert.deepEqual(stale(bench), ['drop']);

  const cases: readonly (readonly [Message, string[]])[] = [
    [notification(6, 4), ['keep']],
    [notification(6, 9), ['drop']],
  ];
  for (const [message, expected] of cases) {
    const one = new Bench(both, both).to('established');
    one.hear(message);
    assert.deepEqual(stale(one), expected);
  }
});

test('a peer that is back with its forwarding keeps its routes until End-of-RIB (RFC 4724 §4.2)', () => {
  const both: Partial<PeerSettings> = { gracefulRestart: restart, families: ['IPv4'] };
  for (const isForwarding of [true, false]) {
    const bench = new Bench(both, both).to('established');
    bench.step({ kind: 'closed', connection: 1, text: 'end of file' });
    bench.to('open-sent');
    bench.hear(ourOpen(bench.peer, isForwarding));
    bench.hear(keepalive);
    assert.equal(bench.kinds().includes('stale'), !isForwarding);
    bench.hear(endOfRib('IPv4'));
    assert.equal(bench.kinds().includes('stale'), isForwarding);
  }
});
