// Router advertisements there and back, and a reader that no bytes can upset.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleAddress } from '../../model/sample.ts';
import { readRouterAdvertisement, routerAdvertisement } from './router-advertisement.ts';

const source = sampleAddress('fe80::5e:10ff:fe00:1');
const mac = Uint8Array.of(2, 0, 0x5e, 0x10, 0, 1);
const frame = routerAdvertisement(source, mac);

/** With a byte changed and the checksum mended, so that the rule itself must refuse it. */
function changed(at: number, value: number): Uint8Array {
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  copy[at] = value;
  view.setUint16(56, 0);
  let sum = view.getUint16(18) + 58;
  for (let index = 22; index < copy.length; index += 2) sum += view.getUint16(index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(56, ~sum & 0xffff);
  return copy;
}

test('an advertisement is read as it was written, and makes nobody a default router', () => {
  assert.deepEqual(readRouterAdvertisement(frame), { source });
  assert.deepEqual([...frame.subarray(0, 6)], [0x33, 0x33, 0, 0, 0, 1]);
  assert.equal(new DataView(frame.buffer).getUint16(54 + 6), 0);
});

test('what RFC 4861 §6.1.2 refuses is refused', () => {
  const errors = [
    frame.subarray(0, 60),
    changed(54, 135),
    changed(21, 254),
    changed(55, 1),
    changed(22, 0x20),
    changed(71, 0),
    frame.with(60, 7),
  ].map((bytes) => readRouterAdvertisement(bytes));
  assert.deepEqual(
    errors.map((one) => 'error' in one && one.error),
    [
      'too-short',
      'not-neighbour-discovery',
      'bad-field',
      'bad-field',
      'bad-field',
      'bad-field',
      'bad-checksum',
    ],
  );
});

test('no bytes make the reader throw', () => {
  const cut = fc.nat(frame.length);
  const flips = fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(cut, flips, (length, changes) => {
      const broken = frame.slice(0, length);
      for (const [at, value] of changes) if (at < length) broken[at] = value;
      readRouterAdvertisement(broken);
    }),
    { numRuns: 3000 },
  );
});
