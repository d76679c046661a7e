// Control packets as bytes: the layout of RFC 5880 §4.1, its reception checks in order, and round trips.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ControlPacketError, readControlPacket, writeControlPacket } from './message.ts';
import { anyPacket, samplePacket } from './sample-packets.ts';

test('a packet has the layout of RFC 5880 §4.1', () => {
  const packet = samplePacket({
    state: 'up',
    diagnostic: 3,
    poll: true,
    controlPlaneIndependent: true,
    detectMultiplier: 5,
    myDiscriminator: 0x01020304,
    yourDiscriminator: 0xa1a2a3a4,
    desiredMinTxMicroseconds: 50_000,
    requiredMinRxMicroseconds: 300_000,
    requiredMinEchoRxMicroseconds: 1,
  });
  const text = '23e80518' + '01020304' + 'a1a2a3a4' + '0000c350' + '000493e0' + '00000001';
  assert.equal(Buffer.from(writeControlPacket(packet)).toString('hex'), text);
  assert.deepEqual(readControlPacket(Buffer.from(text, 'hex')), packet);
});

test('an authentication section has the layouts of RFC 5880 §4.2–4.4', () => {
  const password = samplePacket({
    authentication: { type: 'simple-password', keyId: 9, password: Uint8Array.of(0x70, 0x77) },
  });
  const bytes = writeControlPacket(password);
  assert.equal(bytes[3], 29);
  assert.equal(Buffer.from(bytes.subarray(24)).toString('hex'), '0105097077');
  const digest = new Uint8Array(20).fill(0xee);
  const signed = samplePacket({
    authentication: { type: 'meticulous-keyed-sha1', keyId: 1, sequence: 0x10000002, digest },
  });
  assert.equal(
    Buffer.from(writeControlPacket(signed).subarray(24)).toString('hex'),
    `051c010010000002${'ee'.repeat(20)}`,
  );
});

test('each check of §6.8.6 refuses by its name', () => {
  /** The plain packet with some bytes changed, by their offset. */
  const garbled = (changes: Readonly<Record<number, number>>): Uint8Array => {
    const bytes = writeControlPacket(samplePacket());
    for (const [at, byte] of Object.entries(changes)) bytes[Number(at)] = byte;
    return bytes;
  };
  const withAuthentication = (section: readonly number[]): Uint8Array =>
    Uint8Array.from([...garbled({ 1: 0x44, 3: 24 + section.length }), ...section]);
  const cases: readonly (readonly [Uint8Array, ControlPacketError])[] = [
    [new Uint8Array(0), 'short'],
    [garbled({}).subarray(0, 23), 'short'],
    [garbled({ 0: 0x00 }), 'version'],
    [garbled({ 0: 0x40 }), 'version'],
    [garbled({ 3: 23 }), 'length'],
    [garbled({ 3: 25 }), 'length'],
    [garbled({ 1: 0x44, 3: 24 }), 'length'],
    [garbled({ 2: 0 }), 'detect-multiplier'],
    [garbled({ 1: 0x41 }), 'multipoint'],
    [garbled({ 7: 0 }), 'my-discriminator'],
    [garbled({ 1: 0x80 }), 'your-discriminator'],
    [garbled({ 1: 0xc0 }), 'your-discriminator'],
    // A type that there is not, a section that says to be longer than it is, a password of no or of 17 bytes, a cut digest.
    [withAuthentication([9, 3, 1]), 'authentication-section'],
    [withAuthentication([1, 9, 1, 7]), 'authentication-section'],
    [withAuthentication([1, 3, 1]), 'authentication-section'],
    [withAuthentication([1, 20, 1, ...new Array<number>(17).fill(7)]), 'authentication-section'],
    [withAuthentication([2, 10, 1, 0, 0, 0, 0, 1, 5, 5]), 'authentication-section'],
  ];
  for (const [bytes, error] of cases) assert.deepEqual(readControlPacket(bytes), { error });
  // The first of two faults is the one told.
  assert.deepEqual(readControlPacket(garbled({ 0: 0, 2: 0, 7: 0 })), { error: 'version' });
});

test('what follows the packet in its datagram is of no matter', () => {
  const packet = samplePacket();
  assert.deepEqual(
    readControlPacket(Buffer.concat([writeControlPacket(packet), Buffer.from('tail')])),
    packet,
  );
});

test('every packet is read as it was written, and from where it lies', () => {
  fc.assert(
    fc.property(anyPacket, fc.integer({ min: 0, max: 3 }), (packet, offset) => {
      const written = writeControlPacket(packet);
      assert.equal(written[3], written.length);
      const bytes = new Uint8Array(offset + written.length);
      bytes.set(written, offset);
      assert.deepEqual(readControlPacket(bytes.subarray(offset)), packet);
    }),
  );
});

test('a packet is written over another of its length, and nothing of that stays', () => {
  fc.assert(
    fc.property(anyPacket, anyPacket, (before, after) => {
      const bytes = writeControlPacket(before);
      const again = writeControlPacket(after, bytes);
      assert.equal(again === bytes, again.length === bytes.length);
      assert.deepEqual(readControlPacket(again), after);
    }),
  );
});
