// The prefix by which an advertisement announces an address: its host route, or the aggregate that it asks for.
import { type Address, familyBits } from '../../model/address.ts';
import type { BgpAdvertisement } from '../../model/bgp.ts';
import type { Prefix } from './prefix.ts';

/** Addresses of one aggregate come to the same prefix. */
export function announcedPrefix(
  { family, value }: Address,
  lengths: Pick<BgpAdvertisement, 'aggregationLength' | 'aggregationLengthV6'>,
): Prefix {
  const prefixLength = family === 'IPv4' ? lengths.aggregationLength : lengths.aggregationLengthV6;
  const hostBits = BigInt(familyBits(family) - prefixLength);
  return { address: { family, value: (value >> hostBits) << hostBits }, prefixLength, pathId: undefined };
}
