// Control packets for tests: a plain one, and arbitrary ones.
import fc from 'fast-check';
import type { AuthenticationSection } from './authentication-section.ts';
import { bfdStates, type ControlPacket } from './message.ts';

export const samplePacket = (more: Partial<ControlPacket> = {}): ControlPacket => ({
  state: 'down',
  diagnostic: 0,
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 77,
  yourDiscriminator: 0,
  desiredMinTxMicroseconds: 1_000_000,
  requiredMinRxMicroseconds: 50_000,
  requiredMinEchoRxMicroseconds: 0,
  authentication: undefined,
  ...more,
});

/** As plain objects are, for deep equality. */
const plain = { noNullPrototype: true } as const;

const byte = fc.integer({ min: 0, max: 255 });
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const discriminator = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });

const anyAuthentication: fc.Arbitrary<AuthenticationSection> = fc.oneof(
  fc.record({ type: fc.constant('simple-password' as const), keyId: byte, password: bytes(1, 16) }, plain),
  fc.record(
    {
      type: fc.constantFrom('keyed-md5' as const, 'meticulous-keyed-md5' as const),
      keyId: byte,
      sequence: word,
      digest: bytes(16),
    },
    plain,
  ),
  fc.record(
    {
      type: fc.constantFrom('keyed-sha1' as const, 'meticulous-keyed-sha1' as const),
      keyId: byte,
      sequence: word,
      digest: bytes(20),
    },
    plain,
  ),
);

/** All that can be written, and is read again. */
export const anyPacket: fc.Arbitrary<ControlPacket> = fc
  .record(
    {
      state: fc.constantFrom(...bfdStates),
      diagnostic: fc.integer({ min: 0, max: 31 }),
      poll: fc.boolean(),
      final: fc.boolean(),
      controlPlaneIndependent: fc.boolean(),
      demand: fc.boolean(),
      detectMultiplier: fc.integer({ min: 1, max: 255 }),
      myDiscriminator: discriminator,
      yourDiscriminator: fc.oneof(fc.constant(0), discriminator),
      desiredMinTxMicroseconds: word,
      requiredMinRxMicroseconds: word,
      requiredMinEchoRxMicroseconds: word,
      authentication: fc.option(anyAuthentication, { nil: undefined }),
    },
    plain,
  )
  .filter(
    ({ yourDiscriminator, state }) => yourDiscriminator !== 0 || state === 'down' || state === 'admin-down',
  );
