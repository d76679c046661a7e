// A hundred thousand garbled BFD packets, to the decoder and to a table with sessions: no throw, no session harmed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readControlPacket, writeControlPacket } from '../../src/announce/bfd/message.ts';
import { anyPacket } from '../../src/announce/bfd/sample-packets.ts';
import { seeded } from '../../src/announce/bfd/simulation.ts';
import { createBfdTable } from '../../src/announce/bfd/table.ts';
import { addressToBytes } from '../../src/model/address.ts';

const random = seeded(5);
const below = (limit: number): number => Math.floor(random() * limit);
const whole = fc.sample(anyPacket, { seed: 5, numRuns: 500 });
const mutations: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
  (bytes) => bytes,
  (bytes) => bytes.fill(below(256), below(bytes.length), below(bytes.length)),
  (bytes) => bytes.subarray(0, below(bytes.length)),
  (bytes) => Buffer.concat([bytes, bytes.subarray(below(bytes.length))]),
  (bytes) => {
    for (let count = below(6); count >= 0; count--) bytes[below(bytes.length)] = below(256);
    return bytes;
  },
  (bytes) => {
    for (let count = below(6); count >= 0; count--)
      bytes[below(bytes.length)] = [0, 1, 26, 127, 128, 255][below(6)] ?? 0;
    return bytes;
  },
];
const garbled = (index: number): Uint8Array => {
  const packet = whole[index % whole.length];
  assert.ok(packet);
  return mutations[below(mutations.length)]?.(writeControlPacket(packet)) ?? new Uint8Array(0);
};

test('of a hundred thousand garbled packets each is refused, or reads as what can be written', () => {
  const counts = new Map<string, number>();
  for (let round = 0; round < 100_000; round++) {
    const packet = readControlPacket(garbled(round));
    const outcome = 'error' in packet ? packet.error : 'read';
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (!('error' in packet)) assert.deepEqual(readControlPacket(writeControlPacket(packet)), packet);
  }
  const outcomes = [
    'short',
    'version',
    'length',
    'detect-multiplier',
    'multipoint',
    'my-discriminator',
    'your-discriminator',
    'authentication-section',
    'read',
  ];
  for (const outcome of outcomes)
    assert.ok((counts.get(outcome) ?? 0) > 10, `${outcome}: ${counts.get(outcome)}`);
});

test('a table that is sent garbage works on, within bounds', () => {
  const peer = { family: 'IPv4', value: 0xc0000207n } as const;
  let sent = 0;
  const table = createBfdTable({ random, apply: (_, effect) => void (effect.kind === 'send' && sent++) });
  const settings = {
    desiredMinTxMicroseconds: 50_000,
    requiredMinRxMicroseconds: 50_000,
    detectMultiplier: 3,
    isPassive: false,
    echoIntervalMicroseconds: 50_000,
  };
  const now = { at: 0, stalled: 0 };
  table.configure(
    [{ peer, local: undefined, interfaceName: undefined, isMultihop: false, settings, minimumTtl: 254 }],
    now,
  );
  const [entry] = table.entries.values();
  assert.ok(entry);
  const arrival = {
    isMultihop: false,
    source: addressToBytes(peer),
    destination: addressToBytes(peer),
    interfaceName: 'eth0',
    ttl: 255,
  };
  for (let round = 0; round < 100_000; round++) {
    const bytes = garbled(round);
    // Half of them are for our session, and unsigned.
    if (round % 2 === 0 && bytes.length >= 12) {
      bytes[1] = (bytes[1] ?? 0) & ~4;
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, entry.session.localDiscriminator);
    }
    table.receive(bytes, arrival, now);
    now.at += 1 + below(20);
    table.advance(now);
    assert.ok(table.nextDue() > now.at);
  }
  assert.ok(entry.packetsReceived > 10_000);
  assert.ok(entry.ups > 10 && entry.downs >= entry.ups - 1);
  // At most an answer and a change for each packet, and one each time that time passed.
  assert.ok(sent < 300_000);
  assert.equal(table.entries.size, 1);
});
