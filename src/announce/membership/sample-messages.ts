// Heartbeats and answers for tests: all that can be said, drawn at random.
import fc from 'fast-check';
import { type Cidr, formatAddress, parseAddress } from '../../model/address.ts';
import { holdingKey, sharesPerAddress } from '../../model/share.ts';
import type { Ack, Beat, Message } from './state.ts';

/** Plain objects, as reading makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const name = fc.string({ minLength: 0, maxLength: 20, unit: 'grapheme' });
const key = fc
  .oneof(fc.ipV4(), fc.ipV6())
  .map((text) => parseAddress(text))
  .filter((address) => address !== undefined)
  .map(formatAddress);
const short = { maxLength: 6 };
/** Of an address, or of a share of one. */
const share = fc.option(fc.integer({ min: 0, max: sharesPerAddress - 1 }), { nil: undefined });
const holding = fc.tuple(key, share).map(([address, which]) => holdingKey(address, which));
const keys = fc.array(holding, short);
const start = fc.bigInt(0n, 2n ** 64n - 1n);
const number32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const subnet = fc
  .tuple(key, fc.integer({ min: 0, max: 32 }))
  .map(([text, prefixLength]) => ({ address: parseAddress(text), prefixLength }))
  .filter((cidr): cidr is Cidr => cidr.address !== undefined);

const common = {
  from: name,
  bootId: start,
  to: name,
  toBootId: start,
  sequence: number32,
  silent: fc.array(name, short),
  electorateDigest: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  electorate: fc.option(
    fc.array(record({ epoch: number32, members: fc.array(name, { minLength: 1, maxLength: 6 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    { nil: undefined },
  ),
  session: number32,
};

export const anyBeat: fc.Arbitrary<Beat> = record<Beat>({
  kind: fc.constant('beat'),
  ...common,
  patienceMilliseconds: fc.integer({ min: 0, max: 65535 }),
  ready: fc.boolean(),
  leaving: fc.boolean(),
  interfaces: fc.option(
    fc.array(record({ name, up: fc.boolean(), subnets: fc.array(subnet, short) }), short),
    { nil: undefined },
  ),
  asks: keys,
  releases: keys,
  handed: keys,
});

export const anyAck: fc.Arbitrary<Ack> = record<Ack>({
  kind: fc.constant('ack'),
  ...common,
  grants: fc.boolean(),
  granted: keys,
  refused: fc.array(
    record({ key, holder: name, lapsesInMilliseconds: fc.integer({ min: 0, max: 255 }) }),
    short,
  ),
  released: keys,
  wanted: fc.array(record({ key, node: name }), short),
});

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(anyBeat, anyAck);
