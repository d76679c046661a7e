// Address families as BGP numbers them: AFI and SAFI (RFC 4760 §9). Gantry speaks the unicast ones of IPv4 and IPv6.
import type { Family } from '../../model/address.ts';

/** Any pair that a peer may name, of ours or not. */
export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

export const afiOf = (family: Family): 1 | 2 => (family === 'IPv4' ? 1 : 2);

export const unicast = 1;

export const unicastOf = (family: Family): AfiSafi => ({ afi: afiOf(family), safi: unicast });

/** The family of ours that it is; undefined for any other. */
export function familyOf({ afi, safi }: AfiSafi): Family | undefined {
  if (safi !== unicast) return undefined;
  return afi === 1 ? 'IPv4' : afi === 2 ? 'IPv6' : undefined;
}
