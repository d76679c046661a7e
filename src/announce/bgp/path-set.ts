// What routes share on the wire: next hops and attributes, made for one kind of peer from what is wanted of a route.
import type { Address, Family } from '../../model/address.ts';
import { type Attribute, codeOf, type LargeCommunity } from './attribute.ts';
import { type CommunityValue, gracefulShutdown, linkBandwidth } from './community.ts';

/** Routes with the same one, by identity, go in the same messages. */
export interface PathSet {
  /** One, or an IPv6 pair: global, then link-local. IPv4 by IPv6 where RFC 8950 was agreed on. */
  readonly nextHops: readonly Address[];
  /** Ascending by code, without NEXT_HOP. */
  readonly attributes: readonly Attribute[];
}

/** What advertisements ask of a route. */
export interface PathIntent {
  readonly localPreference: number | undefined;
  readonly communities: readonly CommunityValue[];
  /** Its weight among nodes, by the pods that it leads to. */
  readonly bandwidthBytesPerSecond: number | undefined;
}

/** What the peer makes of it. */
export interface PathPeer {
  readonly isInternal: boolean;
  readonly localAsn: number;
  /** This node's own, for the family. */
  readonly nextHops: readonly Address[];
  /** Before a planned stop (RFC 8326). */
  readonly isLeaving: boolean;
}

const defaultLocalPreference = 100;

export function pathSet(intent: PathIntent, peer: PathPeer): PathSet {
  const standard: number[] = peer.isLeaving ? [gracefulShutdown] : [];
  const large: LargeCommunity[] = [];
  for (const community of intent.communities)
    if (community.kind === 'standard') standard.push(community.value);
    else large.push(community.value);
  const attributes: Attribute[] = [
    { kind: 'origin', origin: 'igp' },
    {
      kind: 'as-path',
      segments: peer.isInternal ? [] : [{ kind: 'sequence', asns: [peer.localAsn] }],
    },
  ];
  // Inside an AS only; who leaves is the last choice there (RFC 8326 §4.2 has peers do so too).
  if (peer.isInternal)
    attributes.push({
      kind: 'local-preference',
      value: peer.isLeaving ? 0 : (intent.localPreference ?? defaultLocalPreference),
    });
  if (standard.length > 0)
    attributes.push({ kind: 'communities', communities: sortedOnce(standard, (a, b) => a - b) });
  if (large.length > 0)
    attributes.push({
      kind: 'large-communities',
      communities: sortedOnce(large, (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]),
    });
  if (intent.bandwidthBytesPerSecond !== undefined)
    attributes.push({
      kind: 'extended-communities',
      communities: [linkBandwidth(peer.localAsn, intent.bandwidthBytesPerSecond)],
    });
  return { nextHops: peer.nextHops, attributes: attributes.sort((a, b) => codeOf(a) - codeOf(b)) };
}

/** Each once. */
const sortedOnce = <T>(values: T[], compare: (a: T, b: T) => number): T[] =>
  values.sort(compare).filter((one, index) => index === 0 || compare(one, values[index - 1] ?? one) !== 0);

/** Whether the family's routes go by MP_REACH: all but IPv4 by an IPv4 next hop. */
export const usesReach = (family: Family, { nextHops }: PathSet): boolean =>
  family === 'IPv6' || nextHops[0]?.family === 'IPv6';
