// Echo packets as frames: well formed to any IP stack, and believed only as ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../model/address.ts';
import { readEchoFrame, writeEchoFrame } from './echo-frame.ts';

const frameOf = (text: string, sequence = 9): Uint8Array => {
  const address = parseAddress(text);
  assert.ok(address);
  return writeEchoFrame({
    sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    destinationMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
    address,
    discriminator: 0xa1b2c3d4,
    sequence,
    secret: 0x01020304,
  });
};

/** The one's complement sum of RFC 1071, which is 0xffff over what has a right checksum. */
function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return total;
}

test('an IPv4 echo packet is from us to us, with 255 hops, and its checksums are right', () => {
  const frame = frameOf('192.0.2.11');
  const hex = Buffer.from(frame).toString('hex');
  assert.equal(hex.slice(0, 28), '0200000000020200000000010800');
  assert.equal(hex.slice(28, 28 + 20), '45c0002800000000ff11');
  assert.equal(hex.slice(52, 68), 'c000020bc000020b');
  assert.equal(sum(frame.subarray(14, 34)), 0xffff);
  const udp = frame.subarray(34);
  assert.equal(Buffer.from(udp.subarray(0, 6)).toString('hex'), '0ec90ec90014');
  assert.equal(sum(Uint8Array.from([...frame.subarray(26, 34), 0, 17, 0, 20, ...udp])), 0xffff);
});

test('an IPv6 echo packet, too', () => {
  const frame = frameOf('2001:db8:1::11');
  assert.equal(Buffer.from(frame.subarray(12, 22)).toString('hex'), '86dd6c000000001411ff');
  const udp = frame.subarray(54);
  assert.equal(sum(Uint8Array.from([...frame.subarray(22, 54), 0, 20, 0, 17, ...udp])), 0xffff);
});

test('one that comes back is read, after one hop at most and with our secret only', () => {
  for (const [text, hopsAt] of [
    ['192.0.2.11', 22],
    ['2001:db8:1::11', 21],
  ] as const) {
    const frame = frameOf(text, 0xffffffff);
    const back = { discriminator: 0xa1b2c3d4, sequence: 0xffffffff };
    assert.deepEqual(readEchoFrame(frame, 0x01020304), back);
    frame[hopsAt] = 254;
    assert.deepEqual(readEchoFrame(frame, 0x01020304), back);
    assert.equal(readEchoFrame(frame, 0x01020305), undefined);
    frame[hopsAt] = 253;
    assert.equal(readEchoFrame(frame, 0x01020304), undefined);
    for (let length = 0; length < frame.length; length++)
      assert.equal(readEchoFrame(frame.subarray(0, length), 0x01020304), undefined);
  }
});
