// One member, and messages to it written by hand: what it believes, grants and takes for granted.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { electorateDigest } from './electorate.ts';
import { createMember, stepMember } from './machine.ts';
import type { Ack, Addresses, Beat, MemberEffect, MemberEvent, MemberState } from './state.ts';

const key = '192.0.2.1';
const electorate = [{ epoch: 1, members: ['a', 'b', 'c'] }];
const digest = electorateDigest(electorate);

let now: number;
let member: MemberState;
/** The most wanted node for the address. */
let wanted: string;

const addresses: Addresses = {
  keys: () => [key],
  elect: (_key, mayHave) => [wanted, 'a', 'b', 'c'].find(mayHave),
};

const step = (event: MemberEvent): MemberEffect[] => stepMember(member, event, now, addresses);

const wait = (milliseconds: number): MemberEffect[] => {
  const effects: MemberEffect[] = [];
  for (const end = now + milliseconds; now < end; ) {
    now = Math.min(end, now + 10);
    effects.push(...step({ kind: 'tick' }));
  }
  return effects;
};

function start(bootId = 1n): void {
  member = createMember('a', bootId, now, { twoNodes: 'safety', failback: 'at-once' }, electorate);
  step({ kind: 'nodes', nodes: ['a', 'b', 'c'] });
  step({ kind: 'ready', ready: 'yes' });
  step({ kind: 'touched', keys: [key] });
}

const sequences = new Map<string, number>();

const beatFrom = (from: string, fields: Partial<Beat> = {}): Beat => {
  const sequence = fields.sequence ?? (sequences.get(from) ?? 0) + 1;
  sequences.set(from, Math.max(sequence, sequences.get(from) ?? 0));
  return {
    kind: 'beat',
    from,
    bootId: 1n,
    to: 'a',
    toBootId: member.bootId,
    sequence,
    patienceMilliseconds: 150,
    ready: true,
    leaving: false,
    interfaces: [],
    silent: [],
    electorateDigest: digest,
    electorate: undefined,
    session: member.watcher.sessions.get(from)?.id ?? 0,
    asks: [],
    releases: [],
    handed: [],
    ...fields,
  };
};

const ackFrom = (from: string, fields: Partial<Ack> = {}): Ack => ({
  kind: 'ack',
  from,
  bootId: 1n,
  to: 'a',
  toBootId: member.bootId,
  sequence: member.peers.get(from)?.sequence ?? 0,
  grants: true,
  session: 7,
  silent: [],
  electorateDigest: digest,
  electorate: undefined,
  granted: [],
  refused: [],
  released: [],
  wanted: [],
  ...fields,
});

const receive = (message: Beat | Ack): MemberEffect[] => step({ kind: 'message', message });

/** What the member answers to the heartbeat. */
function answer(beat: Beat): Ack {
  for (const effect of receive(beat))
    if (effect.kind === 'send' && effect.message.kind === 'ack') return effect.message;
  throw new Error('it does not answer');
}

const isSpeaking = (): boolean => {
  const claim = member.claims.get(key);
  return claim?.isSpeaking === true && (claim.lease?.deadline ?? 0) > now;
};

const refusals = (effects: readonly MemberEffect[]): string[] =>
  effects.flatMap((effect) => (effect.kind === 'refused' ? [`${effect.cause} ${effect.node}`] : []));

/** Past the time in which it grants nothing, and known to both others. */
function settle(): void {
  wait(300);
  for (const name of ['b', 'c']) receive(beatFrom(name));
}

beforeEach(() => {
  now = 1000;
  wanted = 'a';
  sequences.clear();
  start();
});

describe('a watcher', () => {
  beforeEach(() => {
    // Not to want it itself.
    step({ kind: 'ready', ready: 'no' });
    wanted = 'b';
  });

  test('that has just started grants nothing for as long as its last start may have granted', () => {
    receive(beatFrom('b'));
    wait(250);
    const early = answer(beatFrom('b', { asks: [key] }));
    assert.deepEqual([early.grants, early.granted], [false, []]);
    wait(30);
    const late = answer(beatFrom('b', { asks: [key] }));
    assert.deepEqual([late.grants, late.granted], [true, [key]]);
  });

  test('grants nothing to who knows another electorate, and tells it what it knows', () => {
    settle();
    const ack = answer(beatFrom('b', { asks: [key], electorateDigest: digest + 1 }));
    assert.deepEqual([ack.grants, ack.granted, ack.electorate], [false, [], electorate]);
  });

  test('takes no notice of what is asked or given back in another session', () => {
    settle();
    answer(beatFrom('b', { asks: [key] }));
    const { id } = member.watcher.sessions.get('b') ?? { id: 0 };
    assert.deepEqual(answer(beatFrom('b', { session: id + 1, releases: [key] })).released, []);
    assert.equal(answer(beatFrom('c', { asks: [key] })).refused[0]?.holder, 'b');
    assert.deepEqual(answer(beatFrom('c', { session: id, asks: [key] })).refused, []);
  });

  test('keeps a lock for as long as it hears the holder, and 150 ms more', () => {
    settle();
    answer(beatFrom('b', { asks: [key] }));
    wait(100);
    answer(beatFrom('b'));
    wait(150);
    assert.deepEqual(answer(beatFrom('c', { asks: [key] })).refused, [
      { key, holder: 'b', lapsesInMilliseconds: 0 },
    ]);
    wait(10);
    assert.deepEqual(answer(beatFrom('c', { asks: [key] })).granted, [key]);
  });

  test('tells the holder who else asked', () => {
    settle();
    answer(beatFrom('b', { asks: [key] }));
    answer(beatFrom('c', { asks: [key] }));
    assert.deepEqual(answer(beatFrom('b')).wanted, [{ key, node: 'c' }]);
    assert.deepEqual(answer(beatFrom('b')).wanted, []);
  });

  test("does not free what the holder's last start had, before that has lapsed", () => {
    settle();
    answer(beatFrom('b', { asks: [key] }));
    receive(beatFrom('b', { bootId: 2n, sequence: 1, session: 0 }));
    assert.equal(answer(beatFrom('c', { asks: [key] })).refused[0]?.holder, 'b');
  });

  test('frees at once what a node had that says farewell', () => {
    settle();
    answer(beatFrom('b', { asks: [key] }));
    receive(beatFrom('b', { leaving: true, ready: false }));
    assert.deepEqual(answer(beatFrom('c', { asks: [key] })).granted, [key]);
  });
});

describe('a holder', () => {
  /** Asks, and is granted it by `b`: with itself two of three. */
  function speak(): void {
    settle();
    receive(ackFrom('b'));
    wait(50);
    receive(ackFrom('b', { granted: [key] }));
    assert.equal(isSpeaking(), true);
  }

  test('speaks until 120 ms after it sent the heartbeat that was answered last', () => {
    speak();
    const sent = member.peers.get('b')?.lastSent ?? 0;
    assert.equal(member.claims.get(key)?.lease?.deadline, sent + 120);
    wait(sent + 119 - now);
    assert.equal(isSpeaking(), true);
    wait(1);
    assert.equal(isSpeaking(), false);
  });

  test('does not take an answer for longer that comes late', () => {
    speak();
    const late = ackFrom('b');
    wait(30);
    const sent = member.peers.get('b')?.sentAt[late.sequence % 64] ?? 0;
    receive(late);
    assert.equal(member.claims.get(key)?.lease?.deadline, sent + 120);
  });

  test('is granted nothing by who knows another electorate', () => {
    speak();
    const until = member.peers.get('b')?.grantedUntil;
    wait(50);
    receive(ackFrom('b', { electorateDigest: digest + 1 }));
    assert.equal(member.peers.get('b')?.grantedUntil, until);
  });

  test('has nothing of a watcher that began another session', () => {
    speak();
    wait(50);
    receive(ackFrom('b', { session: 8 }));
    assert.equal(isSpeaking(), false);
  });

  test('has nothing of a watcher that started anew', () => {
    speak();
    wait(50);
    receive(ackFrom('b', { bootId: 2n, sequence: 0 }));
    assert.equal(isSpeaking(), false);
  });

  test('takes no answer twice, out of order, to no heartbeat, or from or to another start', () => {
    speak();
    wait(100);
    const { sequence } = ackFrom('b');
    receive(ackFrom('b', { sequence: sequence - 1 }));
    const until = member.peers.get('b')?.grantedUntil;
    for (const fields of [
      { sequence: sequence - 1, session: 9 },
      { sequence: sequence - 2, session: 9 },
      { sequence: sequence + 1, session: 9 },
      { toBootId: 0n, session: 9 },
      { bootId: 0n, session: 9 },
      { to: 'x', session: 9 },
    ])
      receive(ackFrom('b', fields));
    assert.deepEqual([member.peers.get('b')?.grantedUntil, member.peers.get('b')?.session], [until, 7]);
  });

  test('does not take a grant from before it gave the address up', () => {
    speak();
    wait(50);
    const { sequence } = ackFrom('b');
    step({ kind: 'ready', ready: 'no' });
    step({ kind: 'ready', ready: 'yes' });
    assert.equal(member.peers.get('b')?.toRelease.has(key), true);
    receive(ackFrom('b', { sequence, granted: [key], released: [key] }));
    assert.equal(member.peers.get('b')?.toRelease.has(key), true);
    assert.equal(isSpeaking(), false);
    receive(ackFrom('b', { granted: [key], released: [key] }));
    assert.equal(isSpeaking(), true);
  });

  test('gives up what it is refused for one who lives', () => {
    settle();
    for (const name of ['b', 'c']) {
      receive(ackFrom(name));
      wait(20);
    }
    for (const name of ['b', 'c'])
      receive(ackFrom(name, { refused: [{ key, holder: 'c', lapsesInMilliseconds: 140 }] }));
    assert.equal(member.claims.has(key), false);
    assert.equal(member.heldBy.get(key)?.node, 'c');
  });

  test('asks again where the one that it is refused for is about to lapse, or gives it up', () => {
    settle();
    wait(100);
    receive(beatFrom('b', { ready: false }));
    receive(ackFrom('b'));
    wait(20);
    receive(ackFrom('b', { refused: [{ key, holder: 'b', lapsesInMilliseconds: 140 }] }));
    assert.deepEqual([...(member.peers.get('b')?.toAsk ?? [])], []);
    wait(20);
    assert.deepEqual([...(member.peers.get('b')?.toAsk ?? [])], [key]);
  });
});

describe('a message is not believed', () => {
  beforeEach(settle);

  test('twice', () => {
    const beat = beatFrom('b');
    assert.deepEqual(refusals(receive(beat)), []);
    assert.deepEqual(refusals(receive(beat)), ['replayed b']);
    receive(beatFrom('b', { sequence: 100 }));
    assert.deepEqual(refusals(receive(beatFrom('b', { sequence: 20 }))), ['replayed b']);
    assert.deepEqual(refusals(receive(beatFrom('b', { sequence: 60 }))), []);
    assert.deepEqual(refusals(receive(beatFrom('b', { sequence: 60 }))), ['replayed b']);
  });

  test("of the sender's start before; it is told of the later one", () => {
    receive(beatFrom('b', { bootId: 5n }));
    const effects = receive(beatFrom('b', { bootId: 4n, sequence: 500 }));
    assert.deepEqual(refusals(effects), ['stale-start b']);
    const told = effects.find((effect) => effect.kind === 'send');
    assert.equal(told?.kind === 'send' && told.message.toBootId, 5n);
  });

  test('that was meant for the start before', () => {
    assert.equal(answer(beatFrom('b', { toBootId: 0n, asks: [key] })).session, 0);
    const silentSince = member.peers.get('b')?.lastHeard;
    now += 5;
    receive(beatFrom('b', { toBootId: 0n }));
    assert.equal(member.peers.get('b')?.lastHeard, silentSince);
  });

  test('of a node that has our name, or that nobody knows', () => {
    assert.deepEqual(refusals(receive(beatFrom('a'))), ['own-name a']);
    assert.deepEqual(refusals(receive(beatFrom('x'))), ['unknown-node x']);
  });

  test('that is for another node', () => assert.deepEqual(receive(beatFrom('b', { to: 'c' })), []));
});

test('a member that others know a later start of says so', () => {
  settle();
  const effects = receive(ackFrom('b', { toBootId: 9n }));
  assert.deepEqual(
    effects.filter(({ kind }) => kind === 'outdated'),
    [{ kind: 'outdated', bootId: 9n }],
  );
});
