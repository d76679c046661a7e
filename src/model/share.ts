// Shares of an address that is spread over nodes: each neighbour belongs to one share by its MAC, and each share is claimed,
// held and answered for by itself.
//
// By the MAC, since that is what has a neighbour cache: a machine with several addresses asks now with one, now with
// another, and without any when it probes (RFC 5227 §2.1.1, RFC 4862 §5.4.2), and keeps one entry. And it is in every
// frame, so the kernel can tell the share of a packet too (dataplane/nftables/former-owner.ts).
import { type Address, parseAddress } from './address.ts';

/** Enough for even parts among a few nodes; each is a claim of its own. */
export const sharesPerAddress = 16;

/** What is claimed and held: an address as a whole (`share` is undefined), or one share of it. */
export interface Holding {
  readonly address: Address;
  readonly share: number | undefined;
}

/** `192.0.2.200`, or `192.0.2.200#3` for a share; the address in canonical form. */
export const holdingKey = (address: string, share: number | undefined): string =>
  share === undefined ? address : `${address}#${share}`;

/** All shares of the address, in order. */
export const shareKeys = (address: string): string[] =>
  Array.from({ length: sharesPerAddress }, (_, share) => holdingKey(address, share));

/** Undefined for what is no key of a holding. */
export function parseHolding(key: string): Holding | undefined {
  const mark = key.indexOf('#');
  const address = parseAddress(mark < 0 ? key : key.slice(0, mark));
  if (address === undefined || mark < 0) return address && { address, share: undefined };
  const digits = key.slice(mark + 1);
  const share = /^(?:0|[1-9]\d?)$/.test(digits) ? Number(digits) : sharesPerAddress;
  return share < sharesPerAddress ? { address, share } : undefined;
}

/** The address that the key is of, as text. */
export function addressOfKey(key: string): string {
  const mark = key.indexOf('#');
  return mark < 0 ? key : key.slice(0, mark);
}

/** How much these keys are. */
export interface HoldingCount {
  /** Held whole. */
  readonly addresses: number;
  /** Of addresses that are spread. */
  readonly shares: number;
}

export function countHoldings(keys: Iterable<string>): HoldingCount {
  let [addresses, shares] = [0, 0];
  for (const key of keys) {
    if (key.includes('#')) shares++;
    else addresses++;
  }
  return { addresses, shares };
}

/** As in `3 addresses and 5 shares`; what there is none of is left out, unless there is nothing at all. */
export function formatHoldings({ addresses, shares }: HoldingCount): string {
  const whole = `${addresses} ${addresses === 1 ? 'address' : 'addresses'}`;
  const parts = `${shares} ${shares === 1 ? 'share' : 'shares'}`;
  if (shares === 0) return whole;
  return addresses === 0 ? parts : `${whole} and ${parts}`;
}

/** The share of whoever sends from this MAC, of 6 bytes: as nf_tables' `jhash ether saddr mod 16 seed 0` counts it. */
export const shareOf = (mac: Uint8Array): number =>
  // reciprocal_scale (linux/kernel.h): the high bits.
  Math.floor((jenkinsHash(mac) * sharesPerAddress) / 2 ** 32);

/** `jhash` of linux/jhash.h with seed 0, of 12 bytes at most; 32 bits, unsigned. */
function jenkinsHash(bytes: Uint8Array): number {
  const start = 0xdeadbeef + bytes.length;
  const word = (index: number): number =>
    (bytes[index] ?? 0) |
    ((bytes[index + 1] ?? 0) << 8) |
    ((bytes[index + 2] ?? 0) << 16) |
    ((bytes[index + 3] ?? 0) << 24);
  let [a, b, c] = [(start + word(0)) | 0, (start + word(4)) | 0, (start + word(8)) | 0];
  const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}
