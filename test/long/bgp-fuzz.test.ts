// Garbled BGP messages to the decoder, a hundred thousand or BGP_FUZZ_COUNT: no throw, and what is read can be written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../../src/announce/bfd/simulation.ts';
import { readMessage, writeMessage } from '../../src/announce/bgp/message.ts';
import { notificationText } from '../../src/announce/bgp/notification.ts';
import { anyMessage, sampleContext } from '../../src/announce/bgp/sample-messages.ts';
import { frames, newStream } from '../../src/announce/bgp/stream.ts';
import { routesOf } from '../../src/announce/bgp/update.ts';

const count = Number(process.env['BGP_FUZZ_COUNT'] ?? 100_000);
const seed = Number(process.env['BGP_FUZZ_SEED'] ?? 6);
const random = seeded(seed);
const below = (limit: number): number => Math.floor(random() * limit);
const whole = fc.sample(anyMessage, { seed, numRuns: 2000 }).map((message) => writeMessage(message));

/** Changes of what lies behind the header, mostly; lengths are set right again, most of the time. */
const mutations: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
  (bytes) => bytes,
  (bytes) => bytes.fill(below(256), 19 + below(bytes.length), 19 + below(bytes.length)),
  (bytes) => bytes.subarray(0, below(bytes.length)),
  (bytes) => Buffer.concat([bytes, bytes.subarray(below(bytes.length))]),
  (bytes) => {
    for (let left = below(6); left >= 0; left--) bytes[16 + below(bytes.length)] = below(256);
    return bytes;
  },
  (bytes) => {
    for (let left = below(6); left >= 0; left--)
      bytes[19 + below(bytes.length)] = [0, 1, 14, 32, 128, 255][below(6)] ?? 0;
    return bytes;
  },
];

function garbled(index: number): Uint8Array {
  const message = whole[index % whole.length];
  assert.ok(message);
  const bytes = mutations[below(mutations.length)]?.(new Uint8Array(message)) ?? message;
  if (bytes.length >= 19 && below(8) > 0)
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(16, bytes.length);
  return bytes;
}

test(`of ${count} garbled messages each is refused, or reads as what can be written`, () => {
  const outcomes = new Map<string, number>();
  for (let round = 0; round < count; round++) {
    const message = readMessage(garbled(round), sampleContext);
    let outcome: string;
    if ('error' in message) outcome = notificationText(message.error);
    else if (message.kind === 'update' && message.faults.length > 0) {
      outcome = `${message.faults[0]?.problem}`;
      assert.ok(routesOf(message).gone.length >= message.withdrawn.length);
    } else {
      outcome = message.kind;
      // One list of capabilities, and one update, may grow beyond a message: only where the input was as long.
      const again = readMessage(writeMessage(message), sampleContext);
      if (!('error' in again)) assert.deepEqual(again, message);
      else assert.equal(again.error.code, 1, JSON.stringify(again.error));
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const expected = [
    ...['open', 'update', 'notification', 'keepalive', 'route-refresh'],
    ...[
      'list-overrun',
      'flags',
      'value',
      'missing',
      'repeated',
      'unrecognized-well-known',
      'family-not-agreed',
    ],
    'message header error: bad message length',
    'OPEN message error',
    'UPDATE message error: malformed attribute list',
    'UPDATE message error: optional attribute error',
    'UPDATE message error: invalid network field',
  ];
  for (const outcome of expected)
    assert.ok((outcomes.get(outcome) ?? 0) > 3, `${outcome}: ${outcomes.get(outcome)}`);
});

test('a stream of garbage is never kept beyond one message', () => {
  let errors = 0;
  let stream = newStream();
  for (let round = 0; round < count; round++) {
    for (const frame of frames(stream, garbled(round), () => true))
      if ('error' in frame) {
        errors++;
        stream = newStream();
      } else readMessage(frame.bytes, sampleContext);
    assert.ok(stream.pending.length < 65_535);
  }
  assert.ok(errors > count / 100);
});
