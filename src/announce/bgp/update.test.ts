// What RFC 7606 has be done about each kind of malformed UPDATE, section by section.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Family } from '../../model/address.ts';
import { mergedPath } from './as-path.ts';
import { endOfRib, endOfRibOf, readUpdate, routesOf, updateBody } from './update.ts';

const external = { isFourByteAs: true, pathIds: new Set<Family>(), isInternal: false };
const internal = { ...external, isInternal: true };

const good = { origin: '40010100', path: '40020602010000fbf4', hop: '400304c0000201' };

/** A body with these attributes, announcing 203.0.113.7/32. */
function body(attributes: readonly string[], announced = '20cb007107'): Buffer {
  const list = Buffer.from(attributes.join(''), 'hex');
  const head = Buffer.from([0, 0, list.length >> 8, list.length & 255]);
  return Buffer.concat([head, list, Buffer.from(announced, 'hex')]);
}

const base = [good.origin, good.path, good.hop];

test('attributes that are malformed make the routes withdrawn', () => {
  const cases: readonly (readonly [string, readonly string[], number, string])[] = [
    ['§3 c flags', ['c0010100', good.path, good.hop], 1, 'flags'],
    ['§3 d ORIGIN missing', [good.path, good.hop], 1, 'missing'],
    ['§3 d AS_PATH missing', [good.origin, good.hop], 2, 'missing'],
    ['§3 d NEXT_HOP missing', [good.origin, good.path], 3, 'missing'],
    ['§4 an attribute longer than the list', [...base, 'c008ff0000'], 8, 'list-overrun'],
    ['§7.1 ORIGIN of 3', ['40010103', good.path, good.hop], 1, 'value'],
    ['§7.2 segment type', [good.origin, '40020609010000fbf4', good.hop], 2, 'value'],
    ['§7.2 empty segment', [good.origin, '4002020200', good.hop], 2, 'value'],
    ['§7.2 segment overrun', [good.origin, '40020602020000fbf4', good.hop], 2, 'value'],
    ['§7.3 NEXT_HOP of 3 bytes', [good.origin, good.path, '400303c00002'], 3, 'value'],
    ['§7.4 MED of 2 bytes', [...base, '8004020001'], 4, 'value'],
    ['§7.8 empty COMMUNITIES', [...base, 'c00800'], 8, 'value'],
    ['§7.14 extended communities of 4 bytes', [...base, 'c0100400000000'], 16, 'value'],
    ['RFC 8092 §6 large communities of 8 bytes', [...base, 'c020080000000000000000'], 32, 'value'],
    ['RFC 9234 §5 OTC of 2 bytes', [...base, 'c023020001'], 35, 'value'],
    ['unknown well-known', [...base, '40630100'], 99, 'unrecognized-well-known'],
  ];
  for (const [name, attributes, code, problem] of cases) {
    const update = readUpdate(body(attributes), external);
    assert.ok(!('error' in update), name);
    assert.deepEqual(update.faults[0], { code, problem, consequence: 'treat-as-withdraw' }, name);
    assert.equal(routesOf(update).good.length, 0, name);
    assert.equal(routesOf(update).gone.length, 1, name);
  }
});

test('attributes that routes can do without are dropped alone', () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ['§3 g a second ORIGIN', '40010101', 1, 'repeated'],
    ['§7.5 LOCAL_PREF from outside', '40050400000064', 5, 'not-from-this-peer'],
    ['§7.6 ATOMIC_AGGREGATE with a value', '40060100', 6, 'value'],
    ['§7.7 AGGREGATOR of 6 bytes though 4-byte', 'c00706fbf4c0000201', 7, 'value'],
    ['RFC 6793 §6 AS4_PATH among 4-byte speakers', 'c0110602010000fbf4', 17, 'not-from-this-peer'],
    ['RFC 4760 §7 a family that was not agreed on', '800e0700190100000000', 14, 'family-not-agreed'],
  ];
  for (const [name, attribute, code, problem] of cases) {
    const update = readUpdate(body([...base, attribute]), external);
    assert.ok(!('error' in update), name);
    assert.deepEqual(update.faults, [{ code, problem, consequence: 'attribute-discard' }], name);
    assert.equal(routesOf(update).good.length, 1, name);
    assert.deepEqual(
      update.attributes.map(({ kind }) => kind),
      ['origin', 'as-path', 'next-hop'],
      name,
    );
  }
});

test('inside an AS, LOCAL_PREF is asked for', () => {
  const update = readUpdate(body(base), internal);
  assert.ok(!('error' in update));
  assert.deepEqual(update.faults, [{ code: 5, problem: 'missing', consequence: 'treat-as-withdraw' }]);
});

test('routes that cannot be told end the session', () => {
  const cases: readonly (readonly [string, Buffer, number])[] = [
    ['§4 attributes longer than the message', Buffer.from('0000ffff', 'hex'), 1],
    ['§3 g MP_REACH twice', body([...base, ...new Array<string>(2).fill('800f03000201')]), 1],
    ['§5.3 a prefix of 33 bits', body(base, '21cb00710700'), 10],
    ['§5.3 a prefix cut off', body(base, '20cb0071'), 10],
    ['§7.11 a next hop of 5 bytes', body([...base, '800e0a000101050000000000' + '00']), 9],
    ['§5.3 MP_UNREACH with a prefix of 129 bits', body(['800f0400020181']), 9],
  ];
  for (const [name, bytes, subcode] of cases) {
    const read = readUpdate(bytes, external);
    assert.ok('error' in read, name);
    assert.deepEqual([read.error.code, read.error.subcode], [3, subcode], name);
  }
});

test('an End-of-RIB is told from an update that is merely empty (RFC 4724 §2)', () => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const read = readUpdate(updateBody(endOfRib(family), true), external);
    assert.ok(!('error' in read));
    assert.equal(endOfRibOf(read), family);
  }
  const withRoute = readUpdate(body(base), external);
  assert.ok(!('error' in withRoute));
  assert.equal(endOfRibOf(withRoute), undefined);
});

test('a path that lost its long numbers gets them back from AS4_PATH (RFC 6793 §4.2.3)', () => {
  const sequence = (...asns: number[]) => ({ kind: 'sequence' as const, asns });
  assert.deepEqual(mergedPath([sequence(7, 23456, 23456)], [sequence(70000, 80000)]), [
    sequence(7),
    sequence(70000, 80000),
  ]);
  assert.deepEqual(mergedPath([sequence(7)], [sequence(70000, 80000)]), [sequence(7)]);
});
