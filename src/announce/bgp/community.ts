// Communities as people write them: standard (RFC 1997), large (RFC 8092), by name; and the link bandwidth (4360 kind).
import type { LargeCommunity } from './attribute.ts';

export type CommunityValue =
  | { readonly kind: 'standard'; readonly value: number }
  | { readonly kind: 'large'; readonly value: LargeCommunity };

/** Asks for traffic to be moved away before a planned stop (RFC 8326). */
export const gracefulShutdown = 0xffff_0000;
/** Long-lived stale, and never to be kept so (RFC 9494 §4.6). */
export const longLivedStale = 0xffff_0006;
export const noLongLived = 0xffff_0007;

/** RFC 1997's, 8326's, 9494's and 7999's. */
const wellKnown: Readonly<Record<string, number>> = {
  'graceful-shutdown': gracefulShutdown,
  'llgr-stale': longLivedStale,
  'no-llgr': noLongLived,
  blackhole: 0xffff_029a,
  'no-export': 0xffff_ff01,
  'no-advertise': 0xffff_ff02,
  'no-export-subconfed': 0xffff_ff03,
  'no-peer': 0xffff_ff04,
};

/** Reads `a:b`, `large:a:b:c` or a well-known name; undefined for anything else. */
export function parseCommunity(text: string): CommunityValue | undefined {
  const known = Object.hasOwn(wellKnown, text) ? wellKnown[text] : undefined;
  if (known !== undefined) return { kind: 'standard', value: known };
  const isLarge = text.startsWith('large:');
  const parts = (isLarge ? text.slice('large:'.length) : text).split(':');
  const limit = isLarge ? 0xffff_ffff : 0xffff;
  const numbers = parts.map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  if (!numbers.every((number) => number <= limit)) return undefined;
  const [first, second, third] = numbers;
  if (first === undefined || second === undefined) return undefined;
  if (isLarge)
    return third === undefined || numbers.length !== 3
      ? undefined
      : { kind: 'large', value: [first, second, third] };
  return numbers.length === 2 ? { kind: 'standard', value: first * 0x1_0000 + second } : undefined;
}

/** As it is parsed; well-known ones by their name. */
export function formatCommunity(community: CommunityValue): string {
  if (community.kind === 'large') return `large:${community.value.join(':')}`;
  const { value } = community;
  const name = Object.keys(wellKnown).find((known) => wellKnown[known] === value);
  return name ?? `${value >>> 16}:${value & 0xffff}`;
}

const linkBandwidthType = 0x4004;

/**
 * The link bandwidth extended community, non-transitive, by which receivers weigh paths (draft-ietf-idr-link-bandwidth):
 * the lower 16 bits of the AS number, and bytes a second as a 32-bit floating point number.
 */
export function linkBandwidth(asn: number, bytesPerSecond: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, linkBandwidthType);
  view.setUint16(2, asn & 0xffff);
  view.setFloat32(4, bytesPerSecond);
  return view.getBigUint64(0);
}

/** Bytes a second; undefined where it is another extended community. The transitive form (0x0004) is read too. */
export function bandwidthOf(community: bigint): number | undefined {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, community);
  return (view.getUint16(0) & 0xbfff) === (linkBandwidthType & 0xbfff) ? view.getFloat32(4) : undefined;
}
