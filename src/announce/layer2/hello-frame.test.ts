// Hellos as frames: what is written is read back, and nothing else is believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatKey } from '../membership/message.ts';
import { readHello, writeHello } from './hello-frame.ts';

const key = heartbeatKey(Buffer.from('one cluster'));
const other = heartbeatKey(Buffer.from('another cluster'));
const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const hello = { from: 'a', bootId: 2n ** 63n, sequence: 7, interfaceName: 'eth1', hears: ['b', 'ç'] };

test('a hello is read back, padded or not, under any of the keys', () => {
  const frame = writeHello(hello, mac, key);
  assert.deepEqual(readHello(frame, [other, key]), hello);
  assert.deepEqual(readHello(Buffer.concat([frame, new Uint8Array(40)]), [key]), hello);
});

test('one of another cluster, cut short, or changed in any bit after its addresses is none', () => {
  const frame = writeHello(hello, mac, key);
  assert.equal(readHello(frame, [other]), undefined);
  for (let length = 0; length < frame.length; length++)
    assert.equal(readHello(frame.subarray(0, length), [key]), undefined);
  for (let bit = 12 * 8; bit < frame.length * 8; bit++) {
    const turned = Uint8Array.from(frame);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(readHello(turned, [key]), undefined, `bit ${bit}`);
  }
});

test('one that does not fit a frame is refused when it is written', () => {
  const hears = Array.from({ length: 300 }, (_, index) => `node-${index}`);
  assert.throws(() => writeHello({ ...hello, hears }, mac, key), RangeError);
});
