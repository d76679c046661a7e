// Adj-RIB-Out: whatever changes when, each peer's table becomes the wanted one, in messages that fit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Family, formatCidr, parseAddress } from '../../model/address.ts';
import { readMessage } from './message.ts';
import { type PathSet, pathSet } from './path-set.ts';
import type { Prefix } from './prefix.ts';
import {
  addReader,
  createRibOut,
  isGiven,
  pull,
  type Reader,
  type RibOut,
  refresh,
  type WantedRoute,
  want,
} from './rib-out.ts';
import { endOfRibOf, routesOf } from './update.ts';

const addressOf = (text: string) => parseAddress(text) ?? assert.fail(text);
const hops = { IPv4: addressOf('192.0.2.1'), IPv6: addressOf('2001:db8::1') };
const bases = { IPv4: 0xc6120000n, IPv6: 0x20010db8n << 96n };

const prefixAt = (family: Family, index: number): Prefix => ({
  address: { family, value: bases[family] + BigInt(index) },
  prefixLength: family === 'IPv4' ? 32 : 128,
  pathId: undefined,
});
const setOf = (hop: Family, localPreference: number): PathSet =>
  pathSet(
    { localPreference, communities: [{ kind: 'large', value: [1, 2, 3] }], bandwidthBytesPerSecond: 1000 },
    { isInternal: true, localAsn: 64500, nextHops: [hops[hop]], isLeaving: false },
  );
const context = { isFourByteAs: true, isExtended: false, pathIds: new Set<Family>(), isInternal: true };

/** A peer's table by what it was sent, and what marked it. */
class Peer {
  readonly table = new Map<string, number>();
  readonly marks: string[] = [];
  messages = 0;

  take(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) {
      this.messages++;
      assert.ok(bytes.length <= 4096);
      const message = readMessage(bytes, context);
      assert.ok(!('error' in message));
      if (message.kind === 'route-refresh') this.marks.push(`refresh ${message.subtype}`);
      if (message.kind !== 'update') continue;
      assert.deepEqual(message.faults, []);
      const ended = endOfRibOf(message);
      if (ended !== undefined) this.marks.push(ended);
      const preference = message.attributes.find((one) => one.kind === 'local-preference')?.value ?? -1;
      const { good, gone } = routesOf(message);
      for (const prefix of gone) this.table.delete(formatCidr(prefix));
      for (const prefix of good) this.table.set(formatCidr(prefix), preference);
    }
  }

  takeAll(rib: RibOut, reader: Reader): void {
    this.take(pull(rib, reader, Number.POSITIVE_INFINITY));
  }
}

test('ten thousand routes that share their attributes fill their messages, and so do their withdrawals', () => {
  for (const [family, hop, atMost] of [
    ['IPv4', 'IPv4', 20],
    ['IPv4', 'IPv6', 20],
    ['IPv6', 'IPv6', 50],
  ] as const) {
    const rib = createRibOut({ family, isFourByteAs: true, isExtended: false });
    const set = setOf(hop, 100);
    for (let index = 0; index < 10_000; index++) want(rib, prefixAt(family, index), set);
    const [reader, peer] = [addReader(rib), new Peer()];
    peer.takeAll(rib, reader);
    assert.equal(peer.table.size, 10_000);
    assert.deepEqual(peer.marks, [family]);
    assert.ok(peer.messages < atMost, `${peer.messages}`);
    for (let index = 0; index < 10_000; index++) want(rib, prefixAt(family, index), undefined);
    peer.takeAll(rib, reader);
    assert.equal(peer.table.size, 0);
    assert.ok(peer.messages < 2 * atMost, `${peer.messages}`);
  }
});

test('attributes too long for a message withdraw the route, unless the peer takes long ones (RFC 8654 §4)', () => {
  const communities = Array.from({ length: 1100 }, (_, value) => ({ kind: 'standard', value }) as const);
  const long = pathSet(
    { localPreference: 7, communities, bandwidthBytesPerSecond: undefined },
    { isInternal: true, localAsn: 64500, nextHops: [hops.IPv4], isLeaving: false },
  );
  const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false });
  const [reader, peer] = [addReader(rib), new Peer()];
  want(rib, prefixAt('IPv4', 1), setOf('IPv4', 100));
  peer.takeAll(rib, reader);
  assert.equal(peer.table.size, 1);
  want(rib, prefixAt('IPv4', 1), long);
  peer.takeAll(rib, reader);
  assert.equal(peer.table.size, 0);
  const extended = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: true });
  const other = addReader(extended);
  want(extended, prefixAt('IPv4', 1), long);
  assert.ok((pull(extended, other, 1)[0]?.length ?? 0) > 4096);
});

test('peers at the same place are given the same bytes', () => {
  const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false });
  for (let index = 0; index < 100; index++) want(rib, prefixAt('IPv4', index), setOf('IPv4', index));
  const [one, other] = [addReader(rib), addReader(rib)].map((reader) => pull(rib, reader, 10_000_000));
  assert.equal(one?.[0], other?.[0]);
  assert.equal(one?.[99], other?.[99]);
});

test('a table is taken bit by bit as the first peer is told of it, and what changes meanwhile holds', () => {
  const [set, other] = [setOf('IPv4', 1), setOf('IPv4', 2)];
  let taken = 0;
  function* table(): Generator<WantedRoute> {
    for (; taken < 10_000; taken++) yield [prefixAt('IPv4', taken), set];
  }
  const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false }, table());
  const [reader, late] = [addReader(rib), addReader(rib)];
  const [peer, second] = [new Peer(), new Peer()];
  peer.take(pull(rib, reader, 1));
  assert.ok(taken > 0 && taken < 5000, `${taken}`);
  assert.equal(isGiven(rib, reader), false);
  for (const index of [0, 10_000]) want(rib, prefixAt('IPv4', index), other);
  peer.takeAll(rib, reader);
  second.takeAll(rib, late);
  assert.deepEqual([isGiven(rib, reader), isGiven(rib, late)], [true, true]);
  assert.deepEqual(peer.marks, ['IPv4']);
  assert.equal(peer.table.size, 10_001);
  assert.deepEqual(second.table, peer.table);
  assert.equal(peer.table.get(formatCidr(prefixAt('IPv4', 0))), 2);
});

test('a refresh sends all again, between its marks', () => {
  const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false });
  want(rib, prefixAt('IPv4', 1), setOf('IPv4', 7));
  const [reader, peer] = [addReader(rib), new Peer()];
  peer.takeAll(rib, reader);
  peer.table.clear();
  refresh(rib, reader, true);
  peer.takeAll(rib, reader);
  assert.deepEqual(peer.marks, ['IPv4', 'refresh 1', 'refresh 2']);
  assert.equal(peer.table.size, 1);
  refresh(rib, reader, false);
  peer.takeAll(rib, reader);
  assert.equal(peer.marks.length, 3);
});

test('whatever changes when, and however slowly peers take it, they end with what is wanted', () => {
  const sets = [undefined, setOf('IPv4', 1), setOf('IPv4', 2), setOf('IPv4', 3)];
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ route: fc.nat(30), set: fc.nat(3), times: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 4, arbitrary: fc.record({ pulls: fc.nat(2), budget: fc.nat(200) }) },
    { weight: 1, arbitrary: fc.record({ joins: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ refreshes: fc.nat(2), isMarked: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false });
      const peers: (readonly [Reader, Peer])[] = [[addReader(rib), new Peer()]];
      for (const one of actions) {
        if ('route' in one)
          for (let count = 0; count < one.times; count++)
            want(rib, prefixAt('IPv4', (one.route + count) % 31), sets[(one.set + count) % 4]);
        else if ('joins' in one) peers.push([addReader(rib), new Peer()]);
        else if ('pulls' in one) {
          const [reader, peer] = peers[one.pulls % peers.length] ?? assert.fail();
          peer.take(pull(rib, reader, one.budget));
        } else refresh(rib, (peers[one.refreshes % peers.length] ?? assert.fail())[0], one.isMarked);
      }
      const wanted = new Map<string, number>();
      for (let index = 0; index < 31; index++)
        for (const [key, { set }] of rib.routes) {
          const preference = set?.attributes.find((a) => a.kind === 'local-preference')?.value;
          if (preference !== undefined && key === Number(bases.IPv4 + BigInt(index)) * 64 + 32)
            wanted.set(formatCidr(prefixAt('IPv4', index)), preference);
        }
      for (const [reader, peer] of peers) {
        peer.takeAll(rib, reader);
        assert.deepEqual(new Map([...peer.table].sort()), new Map([...wanted].sort()));
        assert.ok(peer.marks.includes('IPv4'));
      }
    }),
    { numRuns: 200 },
  );
});

test('who asks for all again is not told first what holds no more', () => {
  const rib = createRibOut({ family: 'IPv4', isExtended: false, isFourByteAs: true });
  const reader = addReader(rib);
  want(rib, prefixAt('IPv4', 1), setOf('IPv4', 100));
  want(rib, prefixAt('IPv4', 2), setOf('IPv4', 100));
  new Peer().takeAll(rib, reader);
  want(rib, prefixAt('IPv4', 1), undefined);
  want(rib, prefixAt('IPv4', 2), setOf('IPv4', 200));
  refresh(rib, reader, false);
  const [first] = pull(rib, reader, 1);
  assert.ok(first);
  const peer = new Peer();
  peer.take([first]);
  assert.equal(peer.table.has('198.18.0.1/32'), false);
  assert.notEqual(peer.table.get('198.18.0.2/32'), 100);
});
