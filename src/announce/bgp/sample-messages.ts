// Messages for tests: a plain one of each kind, and any that can be written, for the properties.
import fc from 'fast-check';
import { type Address, type Family, familyBits } from '../../model/address.ts';
import type { AsSegment } from './as-path.ts';
import { type Attribute, codeOf, type LargeCommunity } from './attribute.ts';
import type { Capability } from './capability.ts';
import type { Message, MessageContext } from './message.ts';
import type { Open } from './open.ts';
import type { Prefix } from './prefix.ts';
import type { Update } from './update.ts';

/** Plain objects, as the readers make them. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(fields, { noNullPrototype: true });

const byte = fc.nat(255);
const number16 = fc.nat(0xffff);
const number32 = fc.nat(0xffff_ffff);
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

const anyAddress = (family: Family): fc.Arbitrary<Address> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(familyBits(family))) - 1n }).map((value) => ({ family, value }));

const anyPrefix = (family: Family, hasPathId: boolean): fc.Arbitrary<Prefix> =>
  fc
    .tuple(anyAddress(family), fc.nat(familyBits(family)), number32)
    .map(([address, prefixLength, pathId]) => {
      const hostBits = BigInt(familyBits(family) - prefixLength);
      return {
        address: { family, value: (address.value >> hostBits) << hostBits },
        prefixLength,
        pathId: hasPathId ? pathId : undefined,
      };
    });

const afiSafi = { afi: number16, safi: byte };
const restartFamily = { ...afiSafi, isForwarding: fc.boolean() };
const few = { maxLength: 6 };

const anyCapability: fc.Arbitrary<Capability> = fc.oneof(
  record({ kind: fc.constant('multiprotocol' as const), ...afiSafi }),
  fc.constantFrom(
    { kind: 'route-refresh' as const },
    { kind: 'extended-message' as const },
    { kind: 'enhanced-route-refresh' as const },
  ),
  record({
    kind: fc.constant('extended-next-hop' as const),
    families: fc.array(record({ afi: number16, safi: number16, nextHopAfi: number16 }), few),
  }),
  record({
    kind: fc.constant('role' as const),
    role: fc.constantFrom('provider', 'route-server', 'route-server-client', 'customer', 'peer'),
  }),
  record({
    kind: fc.constant('graceful-restart' as const),
    isRestarting: fc.boolean(),
    coversNotifications: fc.boolean(),
    restartTimeSeconds: fc.nat(4095),
    families: fc.array(record(restartFamily), few),
  }),
  record({
    kind: fc.constant('add-path' as const),
    families: fc.array(record({ ...afiSafi, canReceive: fc.boolean(), canSend: fc.boolean() }), few),
  }),
  record({
    kind: fc.constant('long-lived-graceful-restart' as const),
    families: fc.array(record({ ...restartFamily, staleTimeSeconds: fc.nat(0xff_ffff) }), few),
  }),
  record({
    kind: fc.constant('unknown' as const),
    code: fc.integer({ min: 128, max: 255 }),
    value: bytes(60),
  }),
);

const validAsn = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 1, max }).filter((asn) => asn !== 23456);

export const anyOpen: fc.Arbitrary<Open> = record({
  asn: validAsn(0xffff_ffff),
  holdTimeSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 3, max: 0xffff })),
  routerId: fc.integer({ min: 1, max: 0xffff_ffff }),
  capabilities: fc.array(anyCapability, { maxLength: 20 }),
}).map(({ capabilities, ...open }) => ({
  kind: 'open',
  ...open,
  capabilities: [{ kind: 'four-byte-as', asn: open.asn }, ...capabilities],
}));

const anySegments = (asn: fc.Arbitrary<number>): fc.Arbitrary<AsSegment[]> =>
  fc.array(
    record({
      kind: fc.constantFrom('set', 'sequence', 'confederation-sequence', 'confederation-set'),
      asns: fc.array(asn, { minLength: 1, maxLength: 90 }),
    }),
    { maxLength: 3 },
  );

/** What the messages below are read by: their attributes are those of an iBGP session with 4-byte numbers. */
export const sampleContext: MessageContext = {
  isFourByteAs: true,
  pathIds: new Set<Family>(['IPv6']),
  isInternal: true,
  isExtended: true,
};

const some = { minLength: 1, maxLength: 40 };
const mandatory = record({
  origin: fc.constantFrom('igp', 'egp', 'incomplete'),
  segments: anySegments(number32),
  address: anyAddress('IPv4'),
  value: number32,
});
const optional: readonly fc.Arbitrary<Attribute>[] = [
  record({ kind: fc.constant('multi-exit-discriminator' as const), value: number32 }),
  fc.constant({ kind: 'atomic-aggregate' as const }),
  record({ kind: fc.constant('aggregator' as const), asn: number32, address: anyAddress('IPv4') }),
  record({ kind: fc.constant('communities' as const), communities: fc.array(number32, some) }),
  record({
    kind: fc.constant('extended-communities' as const),
    communities: fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), some),
  }),
  record({
    kind: fc.constant('large-communities' as const),
    communities: fc.array(
      fc.tuple(number32, number32, number32).map((parts): LargeCommunity => parts),
      some,
    ),
  }),
  record({ kind: fc.constant('only-to-customer' as const), asn: number32 }),
  record({
    kind: fc.constant('unknown' as const),
    code: fc.integer({ min: 100, max: 255 }),
    flags: fc.constantFrom(0x80, 0xc0, 0xe0),
    value: bytes(300),
  }),
];

const anyAttributes: fc.Arbitrary<Attribute[]> = fc
  .tuple(mandatory, ...optional.map((one) => fc.option(one, { nil: undefined })))
  .map(([{ origin, segments, address, value }, ...more]) => {
    const all: Attribute[] = [
      { kind: 'origin', origin },
      { kind: 'as-path', segments },
      { kind: 'next-hop', address },
      { kind: 'local-preference', value },
      ...more.filter((one) => one !== undefined),
    ];
    return all.sort((a, b) => codeOf(a) - codeOf(b));
  });

export const anyUpdate: fc.Arbitrary<Update> = record({
  kind: fc.constant('update' as const),
  withdrawn: fc.array(anyPrefix('IPv4', false), few),
  unreach: fc.option(
    record({ family: fc.constant('IPv6' as const), prefixes: fc.array(anyPrefix('IPv6', true), few) }),
    { nil: undefined },
  ),
  attributes: anyAttributes,
  reach: fc.option(
    fc.oneof(
      record({
        family: fc.constant('IPv6' as const),
        nextHops: fc.array(anyAddress('IPv6'), { minLength: 1, maxLength: 2 }),
        prefixes: fc.array(anyPrefix('IPv6', true), few),
      }),
      record({
        family: fc.constant('IPv4' as const),
        nextHops: fc.tuple(fc.oneof(anyAddress('IPv4'), anyAddress('IPv6'))),
        prefixes: fc.array(anyPrefix('IPv4', false), few),
      }),
    ),
    { nil: undefined },
  ),
  announced: fc.array(anyPrefix('IPv4', false), few),
  faults: fc.constant([]),
});

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  anyOpen,
  anyUpdate,
  record({ kind: fc.constant('notification' as const), code: byte, subcode: byte, data: bytes(100) }),
  fc.constant({ kind: 'keepalive' as const }),
  record({ kind: fc.constant('route-refresh' as const), afi: number16, subtype: byte, safi: byte }),
);

export const sampleOpen = (more: Partial<Open> = {}): Open => ({
  kind: 'open',
  asn: 64501,
  holdTimeSeconds: 90,
  routerId: 0xc0000202,
  capabilities: [],
  ...more,
});
