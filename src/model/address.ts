// IP addresses, ranges and CIDR blocks as values: a family and a number, so that arithmetic and order are plain.
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Family = 'IPv4' | 'IPv6';

export interface Address {
  readonly family: Family;
  /** The address as an unsigned number in network order: 32 bits for IPv4, 128 for IPv6. */
  readonly value: bigint;
}

/** First and last are inclusive and of one family, and first ≤ last. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** `address` is the network's first address (host bits are zero). */
export interface Cidr {
  readonly address: Address;
  readonly prefixLength: number;
}

export const familyBits = (family: Family): 32 | 128 => (family === 'IPv4' ? 32 : 128);

/**
 * Reads one address in its usual text form (RFC 4291 §2.2 for IPv6; four decimal parts without leading zeros for
 * IPv4). Zone identifiers are refused. Returns undefined for anything else.
 */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    let value = 0;
    for (const part of text.split('.')) value = value * 256 + Number(part);
    return { family: 'IPv4', value: BigInt(value) };
  }
  if (isIPv6(text) && !text.includes('%')) {
    return addressFromBytes(Uint8Array.from(ipaddr.IPv6.parse(withoutDots(text)).toByteArray()));
  }
  return undefined;
}

/** With an IPv4 tail in hexadecimal: ipaddr.js takes `::192.0.2.1` for IPv4-mapped, which has `::ffff:` before. */
function withoutDots(text: string): string {
  if (!text.includes('.')) return text;
  const start = text.lastIndexOf(':') + 1;
  const [a = 0, b = 0, c = 0, d = 0] = text.slice(start).split('.').map(Number);
  return `${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** The canonical text form: dotted decimal, or RFC 5952. It identifies the address and serves as its key. */
export function formatAddress(address: Address): string {
  if (address.family === 'IPv4') {
    const value = Number(address.value);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  return new ipaddr.IPv6([...addressToBytes(address)]).toRFC5952String();
}

/** 4 or 16 bytes in network order. Throws a RangeError for any other length. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) return { family: 'IPv4', value: BigInt(view.getUint32(0)) };
  return { family: 'IPv6', value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) };
}

/** 4 or 16 bytes in network order. */
export function addressToBytes(address: Address): Uint8Array {
  if (address.family === 'IPv4') {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, Number(address.value));
    return bytes;
  }
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, address.value >> 64n);
  view.setBigUint64(8, address.value & 0xffff_ffff_ffff_ffffn);
  return bytes;
}

/** fe80::/10 (RFC 4291 §2.5.6), and what RFC 3927 §2.1 sets aside for IPv4: known on their link alone. */
export const isLinkLocal = ({ family, value }: Address): boolean =>
  family === 'IPv6' ? value >> 118n === 0x3fan : value >> 16n === 0xa9fen;

export const sameAddress = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;

/** IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/**
 * Reads `ADDRESS/LENGTH`. White space around it is tolerated, host bits are cleared (`192.0.2.7/24` is
 * `192.0.2.0/24`). Returns undefined for anything else.
 */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/\s]+)\/(\d{1,3})$/.exec(text.trim());
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  const prefixLength = Number(match?.[2]);
  if (address === undefined || prefixLength > familyBits(address.family)) return undefined;
  const hostBits = BigInt(familyBits(address.family) - prefixLength);
  return {
    address: { family: address.family, value: (address.value >> hostBits) << hostBits },
    prefixLength,
  };
}

export const formatCidr = (cidr: Cidr): string => `${formatAddress(cidr.address)}/${cidr.prefixLength}`;

export function cidrRange(cidr: Cidr): AddressRange {
  const { family, value } = cidr.address;
  const size = 1n << BigInt(familyBits(family) - cidr.prefixLength);
  return { first: cidr.address, last: { family, value: value + size - 1n } };
}

export function cidrContains(cidr: Cidr, address: Address): boolean {
  if (cidr.address.family !== address.family) return false;
  const hostBits = BigInt(familyBits(address.family) - cidr.prefixLength);
  return address.value >> hostBits === cidr.address.value >> hostBits;
}

export function rangeContains(range: AddressRange, address: Address): boolean {
  return (
    range.first.family === address.family &&
    range.first.value <= address.value &&
    address.value <= range.last.value
  );
}

export const rangeSize = (range: AddressRange): bigint => range.last.value - range.first.value + 1n;

export const formatRange = (range: AddressRange): string =>
  `${formatAddress(range.first)}-${formatAddress(range.last)}`;
