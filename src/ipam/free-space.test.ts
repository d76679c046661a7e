// The free space of a pool gives the first free address, whatever was given and freed before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address, AddressRange } from '../model/address.ts';
import { sampleAddress } from '../model/sample.ts';
import {
  availableIn,
  createFreeSpace,
  cutFreeSpace,
  extendFreeSpace,
  type FreeSpace,
  firstFree,
  noteFreed,
  noteUsed,
} from './free-space.ts';
import { sampleRange } from './sample.ts';

const ipv4 = (value: bigint): Address => ({ family: 'IPv4', value });
const range = (first: string, last: string): AddressRange => sampleRange(`${first}-${last}`);
const block = sampleRange;
const space = (ranges: readonly AddressRange[], avoidBuggyIPs = false): FreeSpace => {
  const created = createFreeSpace(ranges[0]?.first.family ?? 'IPv4', ranges, avoidBuggyIPs);
  assert.ok(created);
  return created;
};

test('there is no space of a family that the pool has no range of', () => {
  assert.equal(createFreeSpace('IPv6', [block('192.0.2.0/24')], false), undefined);
});

test('the size of a /8 and of a /64 is known without counting', () => {
  assert.equal(space([{ first: ipv4(0n), last: ipv4((1n << 24n) - 1n) }]).size, 1n << 24n);
  assert.equal(space([block('2001:db8::/64')]).size, 1n << 64n);
});

test('buggy addresses are not counted: two in each /24, one in half of one, none in IPv6', () => {
  assert.equal(space([block('198.18.0.0/16')], true).size, 65536n - 512n);
  assert.equal(space([range('192.0.2.0', '192.0.2.127')], true).size, 127n);
  assert.equal(space([range('192.0.2.1', '192.0.2.254')], true).size, 254n);
  assert.equal(space([range('192.0.2.255', '192.0.2.255')], true).size, 0n);
  assert.equal(space([range('0.0.0.0', '0.0.0.255')], true).size, 254n);
  assert.equal(space([block('2001:db8::/120')], true).size, 256n);
});

test('ranges are used up in the order they are written', () => {
  const two = space([range('192.0.2.9', '192.0.2.9'), range('192.0.2.1', '192.0.2.2')]);
  const given: bigint[] = [];
  for (let value = firstFree(two); value !== undefined; value = firstFree(two)) {
    noteUsed(two, value);
    given.push(value & 255n);
  }
  assert.deepEqual(given, [9n, 1n, 2n]);
});

function addressesOf(ranges: readonly AddressRange[], avoid: boolean): bigint[] {
  const all: bigint[] = [];
  for (const { first, last } of ranges)
    for (let { value } = first; value <= last.value; value += 1n)
      if (!avoid || (value & 255n) % 255n !== 0n) all.push(value);
  return all;
}

test('against a model, with ranges that go and come: always the first free address, and none only when none is free', () => {
  const ranges = [
    range('198.18.2.250', '198.18.3.4'),
    range('198.18.3.5', '198.18.3.6'),
    range('192.0.2.10', '192.0.2.12'),
    range('192.0.2.0', '192.0.2.1'),
  ];
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ type: 'take' as const }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('claim' as const), at: fc.nat(18) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('free' as const), at: fc.nat(18) }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('resize' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 120, size: 'max' }), (avoid, steps) => {
      const pool = space(ranges, avoid);
      let count = ranges.length;
      let all = addressesOf(ranges, avoid);
      const used = new Set<bigint>();
      for (const each of steps) {
        if (each.type === 'resize') {
          const kept = addressesOf(ranges.slice(0, each.count), avoid);
          for (const value of used) if (!kept.includes(value) && used.delete(value)) noteFreed(pool, value);
          cutFreeSpace(pool, each.count);
          extendFreeSpace(pool, ranges.slice(count, each.count));
          [count, all] = [each.count, kept];
          assert.equal(availableIn(pool), BigInt(all.length - used.size));
          continue;
        }
        const value = each.type === 'take' ? firstFree(pool) : all[each.at % all.length];
        if (each.type === 'take')
          assert.equal(
            value,
            all.find((candidate) => !used.has(candidate)),
          );
        if (value === undefined) continue;
        if (each.type === 'free') {
          if (used.delete(value)) noteFreed(pool, value);
        } else if (!used.has(value)) {
          used.add(value);
          noteUsed(pool, value);
        }
        assert.equal(availableIn(pool), BigInt(all.length - used.size));
      }
    }),
  );
});

test('addresses given and freed again and again, chosen or asked for, take no more room', () => {
  const pool = space([block('192.0.2.0/24')]);
  const give = (): bigint => {
    const value = firstFree(pool);
    assert.ok(value !== undefined);
    noteUsed(pool, value);
    return value;
  };
  const asked = give();
  const last = sampleAddress('192.0.2.255').value;
  for (let round = 0; round < 1000; round += 1) {
    noteFreed(pool, asked);
    noteUsed(pool, asked);
    noteUsed(pool, last);
    noteFreed(pool, give());
    noteFreed(pool, last);
  }
  assert.equal(pool.used, 1);
  assert.ok(pool.freedInOrder.size + pool.inHeap.size + pool.freed.size + pool.ahead.size < 8);
});

test('an address asked for at the seam of two ranges is not given again', () => {
  const pool = space([range('192.0.2.1', '192.0.2.2'), range('192.0.2.3', '192.0.2.4')]);
  for (const last of [1, 2]) {
    const value = sampleAddress(`192.0.2.${last}`).value;
    assert.equal(firstFree(pool), value);
    noteUsed(pool, value);
  }
  noteUsed(pool, sampleAddress('192.0.2.3').value);
  assert.equal(firstFree(pool), sampleAddress('192.0.2.4').value);
});
