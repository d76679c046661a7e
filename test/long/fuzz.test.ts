// A million messages that nobody meant: half of them signed, as a broken version of us would.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { heartbeatKey, readMessage, writeMessage } from '../../src/announce/membership/message.ts';
import { anyMessage } from '../../src/announce/membership/sample-messages.ts';
import { seeded } from '../../src/collections/seeded.ts';

const key = heartbeatKey(Buffer.from('one cluster'));
const macLength = 16;

/** The code at a message's end, made to fit what is before it. */
function sign(bytes: Uint8Array): void {
  if (bytes.length < macLength) return;
  const signed = bytes.subarray(0, bytes.length - macLength);
  bytes.set(createHmac('sha256', key.secret).update(signed).digest().subarray(0, macLength), signed.length);
}

test('of a million garbled messages each is refused, or reads as what can be written', () => {
  const random = seeded(4);
  const below = (limit: number): number => Math.floor(random() * limit);
  const whole = fc.sample(anyMessage, { seed: 4, numRuns: 500 }).map((message) => writeMessage(message, key));
  const mutations: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => bytes.fill(below(256), below(bytes.length), below(bytes.length)),
    (bytes) => bytes.subarray(0, below(bytes.length)),
    (bytes) => Buffer.concat([bytes, whole[below(whole.length)] ?? bytes]),
    (bytes) => {
      for (let count = below(8); count >= 0; count--) bytes[below(bytes.length)] = below(256);
      return bytes;
    },
    (bytes) => {
      for (let count = below(8); count >= 0; count--)
        bytes[below(bytes.length)] = [0, 1, 4, 16, 127, 128, 255][below(7)] ?? 0;
      return bytes;
    },
  ];
  const counts = { malformed: 0, foreign: 0, forged: 0, read: 0 };
  for (let round = 0; round < 1_000_000; round++) {
    const original = whole[below(whole.length)] as Uint8Array; // there are 500
    const bytes = mutations[below(mutations.length)]?.(Uint8Array.from(original)) ?? original;
    if (round % 2 === 0) sign(bytes);
    const message = readMessage(bytes, [key]);
    if ('error' in message) counts[message.error]++;
    else {
      counts.read++;
      if (round % 16 === 0) assert.deepEqual(readMessage(writeMessage(message, key), [key]), message);
    }
  }
  for (const [outcome, count] of Object.entries(counts)) assert.ok(count > 1000, `${outcome}: ${count}`);
});
