// Routes of families beyond classic IPv4: MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760), IPv4 by an IPv6 next hop
// (RFC 8950), and the pair of a global and a link-local next hop (RFC 2545 §3).
import { type Address, addressFromBytes, addressToBytes, type Family } from '../../model/address.ts';
import { afiOf, familyOf, unicast } from './address-family.ts';
import { cursorOver, put8, put16, putBytes, take, take8, take16, type Written } from './bytes.ts';
import { type Prefix, putPrefix, readPrefixes } from './prefix.ts';

export interface Reach {
  readonly family: Family;
  /** One address, or an IPv6 pair: global, then link-local. */
  readonly nextHops: readonly Address[];
  readonly prefixes: readonly Prefix[];
}

export interface Unreach {
  readonly family: Family;
  readonly prefixes: readonly Prefix[];
}

/** Of a family that is not ours, nothing but that is told: it cannot have been agreed on. */
export type OtherFamily = 'other-family';

/** Undefined where it is malformed. */
export function readReach(value: Uint8Array, pathIds: ReadonlySet<Family>): Reach | OtherFamily | undefined {
  const from = cursorOver(value);
  const afi = take16(from);
  const safi = take8(from);
  const hops = take(from, take8(from));
  const reserved = take8(from);
  if (afi === undefined || safi === undefined || hops === undefined || reserved === undefined)
    return undefined;
  const family = familyOf({ afi, safi });
  if (family === undefined) return 'other-family';
  const nextHops = readNextHops(hops, family);
  const prefixes = readPrefixes(value.subarray(from.at), family, pathIds.has(family));
  return nextHops && prefixes && { family, nextHops, prefixes };
}

function readNextHops(hops: Uint8Array, family: Family): Address[] | undefined {
  if (hops.length === 4) return family === 'IPv4' ? [addressFromBytes(hops)] : undefined;
  if (hops.length === 16) return [addressFromBytes(hops)];
  if (hops.length === 32)
    return [addressFromBytes(hops.subarray(0, 16)), addressFromBytes(hops.subarray(16))];
  return undefined;
}

/** Undefined where it is malformed. */
export function readUnreach(
  value: Uint8Array,
  pathIds: ReadonlySet<Family>,
): Unreach | OtherFamily | undefined {
  const from = cursorOver(value);
  const afi = take16(from);
  const safi = take8(from);
  if (afi === undefined || safi === undefined) return undefined;
  const family = familyOf({ afi, safi });
  if (family === undefined) return 'other-family';
  const prefixes = readPrefixes(value.subarray(from.at), family, pathIds.has(family));
  return prefixes && { family, prefixes };
}

/** The value up to where the prefixes begin. */
export function putReachHead(into: Written, family: Family, nextHops: readonly Address[]): void {
  put16(into, afiOf(family));
  put8(into, unicast);
  const hops = nextHops.map(addressToBytes);
  put8(
    into,
    hops.reduce((sum, { length }) => sum + length, 0),
  );
  for (const hop of hops) putBytes(into, hop);
  put8(into, 0);
}

export function putReach(into: Written, { family, nextHops, prefixes }: Reach): void {
  putReachHead(into, family, nextHops);
  for (const prefix of prefixes) putPrefix(into, prefix);
}

export function putUnreach(into: Written, { family, prefixes }: Unreach): void {
  put16(into, afiOf(family));
  put8(into, unicast);
  for (const prefix of prefixes) putPrefix(into, prefix);
}
