// Messages as bytes: what is written is read back, and nothing else is believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heartbeatKey, readMessage, writeMessage } from './message.ts';
import { anyMessage } from './sample-messages.ts';
import type { Message } from './state.ts';

const key = heartbeatKey(Buffer.from('one cluster'));
const otherKey = heartbeatKey(Buffer.from('another cluster'));

const drawn = (seed: number): Message => fc.sample(anyMessage, { seed, numRuns: 1 })[0] as Message;

test('what is written is read back, whatever it says', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      assert.deepEqual(readMessage(writeMessage(message, key), [key]), message);
    }),
  );
});

test('while one key gives way to the next, messages under either are believed', () => {
  const message = drawn(1);
  assert.deepEqual(readMessage(writeMessage(message, key), [otherKey, key]), message);
  assert.deepEqual(readMessage(writeMessage(message, otherKey), [otherKey, key]), message);
});

test("another cluster's message is foreign, and not taken for a forged one", () => {
  assert.deepEqual(readMessage(writeMessage(drawn(2), otherKey), [key]), { error: 'foreign' });
});

test('no bit of a message can be turned', () => {
  const bytes = writeMessage(drawn(3), key);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Uint8Array.from(bytes);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.ok('error' in readMessage(turned, [key]), `bit ${bit}`);
  }
});

test('a message that is cut short or runs on is not believed', () => {
  const bytes = writeMessage(drawn(4), key);
  for (let length = 0; length < bytes.length; length++)
    assert.ok('error' in readMessage(bytes.subarray(0, length), [key]), `${length} bytes`);
  assert.deepEqual(readMessage(Buffer.concat([bytes, Buffer.of(0)]), [key]), { error: 'forged' });
});

test('under the right key, what makes no sense is malformed: another version of us may have written it', () => {
  const message = { ...drawn(5), from: 'node-a' };
  const bytes = writeMessage(message, key);
  bytes[4] = 1;
  assert.deepEqual(readMessage(bytes, [key]), { error: 'malformed' });
});

test('what no node can have is refused when it is written', () => {
  const message = { ...drawn(6), from: 'x'.repeat(256) };
  assert.throws(() => writeMessage(message, key), RangeError);
});
