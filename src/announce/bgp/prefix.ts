// Prefixes as UPDATE messages carry them (RFC 4271 §4.3), with path identifiers where add-path is on (RFC 7911 §3).
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  type Cidr,
  type Family,
  familyBits,
  formatCidr,
} from '../../model/address.ts';
import { cursorOver, put8, put32, putBytes, remaining, take, take8, take32, type Written } from './bytes.ts';

export interface Prefix extends Cidr {
  /** Only where add-path was agreed on. */
  readonly pathId: number | undefined;
}

export type PrefixKey = string | number;

/** The same for equal prefixes. A number for the most, as a hundred thousand texts would take long to make. */
export function prefixKey({ address, prefixLength, pathId }: Prefix): PrefixKey {
  if (address.family === 'IPv4' && pathId === undefined) return Number(address.value) * 64 + prefixLength;
  return `${formatCidr({ address, prefixLength })} ${pathId ?? ''}`;
}

/** Undefined where the field is not made of whole prefixes of the family. Host bits are cleared. */
export function readPrefixes(field: Uint8Array, family: Family, hasPathIds: boolean): Prefix[] | undefined {
  const from = cursorOver(field);
  const prefixes: Prefix[] = [];
  while (remaining(from) > 0) {
    const pathId = hasPathIds ? take32(from) : undefined;
    const prefixLength = take8(from);
    if (prefixLength === undefined || prefixLength > familyBits(family)) return undefined;
    const bytes = take(from, (prefixLength + 7) >> 3);
    if (bytes === undefined) return undefined;
    prefixes.push({ address: networkOf(family, bytes, prefixLength), prefixLength, pathId });
  }
  return prefixes;
}

function networkOf(family: Family, bytes: Uint8Array, prefixLength: number): Address {
  const whole = new Uint8Array(familyBits(family) / 8);
  whole.set(bytes);
  const { value } = addressFromBytes(whole);
  const hostBits = BigInt(familyBits(family) - prefixLength);
  return { family, value: (value >> hostBits) << hostBits };
}

/** How many `putPrefix` writes. */
export const prefixBytes = ({ prefixLength, pathId }: Prefix): number =>
  (pathId === undefined ? 1 : 5) + ((prefixLength + 7) >> 3);

/** Path identifier (where it has one), length, and as many bytes as that needs. */
export function putPrefix(into: Written, { address, prefixLength, pathId }: Prefix): void {
  if (pathId !== undefined) put32(into, pathId);
  put8(into, prefixLength);
  const length = (prefixLength + 7) >> 3;
  if (address.family === 'IPv6') {
    putBytes(into, addressToBytes(address).subarray(0, length));
    return;
  }
  // By far the most frequent, and without a buffer in between.
  const value = Number(address.value);
  for (let index = 0; index < length; index++) put8(into, value >>> (24 - 8 * index));
}
