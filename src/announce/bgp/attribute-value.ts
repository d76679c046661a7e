// The values of path attributes as bytes: one reader and one writer for each kind.
import { addressFromBytes, addressToBytes } from '../../model/address.ts';
import { putAsPath, readAsPath } from './as-path.ts';
import { type Attribute, type KnownAttribute, type LargeCommunity, origins } from './attribute.ts';
import { number16, number32, put8, put16, put32, putBytes, type Written } from './bytes.ts';
import { asTrans } from './open.ts';

/** `isFourByte`: whether both sides have said that they speak 4-byte AS numbers. Undefined where it is malformed. */
export function readValue(
  kind: KnownAttribute,
  value: Uint8Array,
  isFourByte: boolean,
): Attribute | undefined {
  switch (kind) {
    case 'origin': {
      const origin = value.length === 1 ? origins[value[0] ?? 0] : undefined;
      return origin && { kind, origin };
    }
    case 'as-path':
    case 'as4-path': {
      const segments = readAsPath(value, kind === 'as4-path' || isFourByte);
      return segments && { kind, segments };
    }
    case 'next-hop':
      return value.length === 4 ? { kind, address: addressFromBytes(value) } : undefined;
    case 'multi-exit-discriminator':
    case 'local-preference':
      return value.length === 4 ? { kind, value: number32(value, 0) } : undefined;
    case 'atomic-aggregate':
      return value.length === 0 ? { kind } : undefined;
    case 'aggregator':
    case 'as4-aggregator': {
      const asnLength = kind === 'as4-aggregator' || isFourByte ? 4 : 2;
      if (value.length !== asnLength + 4) return undefined;
      const asn = asnLength === 4 ? number32(value, 0) : number16(value, 0);
      return { kind, asn, address: addressFromBytes(value.subarray(asnLength)) };
    }
    case 'communities': {
      const communities = elements(value, 4, (at) => number32(value, at));
      return communities && { kind, communities };
    }
    case 'extended-communities': {
      const view = new DataView(value.buffer, value.byteOffset, value.length);
      const communities = elements(value, 8, (at) => view.getBigUint64(at));
      return communities && { kind, communities };
    }
    case 'large-communities': {
      const communities = elements(
        value,
        12,
        (at): LargeCommunity => [number32(value, at), number32(value, at + 4), number32(value, at + 8)],
      );
      return communities && { kind, communities };
    }
    case 'only-to-customer':
      return value.length === 4 ? { kind, asn: number32(value, 0) } : undefined;
    default:
      kind satisfies never;
  }
}

/** At least one, and nothing left over (RFC 7606 §7.8, §7.14, RFC 8092 §6). */
function elements<T>(value: Uint8Array, size: number, read: (at: number) => T): T[] | undefined {
  if (value.length === 0 || value.length % size !== 0) return undefined;
  const all: T[] = [];
  for (let at = 0; at < value.length; at += size) all.push(read(at));
  return all;
}

export function putValue(into: Written, attribute: Attribute, isFourByte: boolean): void {
  switch (attribute.kind) {
    case 'origin':
      put8(into, origins.indexOf(attribute.origin));
      break;
    case 'as-path':
    case 'as4-path':
      putAsPath(into, attribute.segments, attribute.kind === 'as4-path' || isFourByte);
      break;
    case 'next-hop':
      putBytes(into, addressToBytes(attribute.address));
      break;
    case 'multi-exit-discriminator':
    case 'local-preference':
      put32(into, attribute.value);
      break;
    case 'atomic-aggregate':
      break;
    case 'aggregator':
    case 'as4-aggregator':
      if (attribute.kind === 'as4-aggregator' || isFourByte) put32(into, attribute.asn);
      else put16(into, attribute.asn > 0xffff ? asTrans : attribute.asn);
      putBytes(into, addressToBytes(attribute.address));
      break;
    case 'communities':
      for (const community of attribute.communities) put32(into, community);
      break;
    case 'extended-communities':
      for (const community of attribute.communities) {
        put32(into, Number(community >> 32n));
        put32(into, Number(community & 0xffff_ffffn));
      }
      break;
    case 'large-communities':
      for (const parts of attribute.communities) for (const part of parts) put32(into, part);
      break;
    case 'only-to-customer':
      put32(into, attribute.asn);
      break;
    case 'unknown':
      putBytes(into, attribute.value);
      break;
    default:
      attribute satisfies never;
  }
}
