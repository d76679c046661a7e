// Path attributes as values, with their codes and flags (RFC 4271 §5 and those that added to it).
import type { Address } from '../../model/address.ts';
import type { AsSegment } from './as-path.ts';

export type Origin = 'igp' | 'egp' | 'incomplete';

/** In the order of their codes. */
export const origins = ['igp', 'egp', 'incomplete'] as const satisfies readonly Origin[];

export type Attribute =
  | { readonly kind: 'origin'; readonly origin: Origin }
  | { readonly kind: 'as-path'; readonly segments: readonly AsSegment[] }
  /** IPv4. */
  | { readonly kind: 'next-hop'; readonly address: Address }
  | { readonly kind: 'multi-exit-discriminator'; readonly value: number }
  | { readonly kind: 'local-preference'; readonly value: number }
  | { readonly kind: 'atomic-aggregate' }
  | { readonly kind: 'aggregator'; readonly asn: number; readonly address: Address }
  /** RFC 1997: each as a number of 32 bits. */
  | { readonly kind: 'communities'; readonly communities: readonly number[] }
  /** RFC 4360: each as a number of 64 bits. */
  | { readonly kind: 'extended-communities'; readonly communities: readonly bigint[] }
  /** RFC 6793, from and to peers of 2-byte numbers. */
  | { readonly kind: 'as4-path'; readonly segments: readonly AsSegment[] }
  | { readonly kind: 'as4-aggregator'; readonly asn: number; readonly address: Address }
  /** RFC 8092. */
  | { readonly kind: 'large-communities'; readonly communities: readonly LargeCommunity[] }
  /** RFC 9234 §5: the AS through which the route left a customer cone. */
  | { readonly kind: 'only-to-customer'; readonly asn: number }
  /** `flags` without the extended length bit. */
  | { readonly kind: 'unknown'; readonly code: number; readonly flags: number; readonly value: Uint8Array };

export type KnownAttribute = Exclude<Attribute['kind'], 'unknown'>;

/** Three numbers of 32 bits. */
export type LargeCommunity = readonly [globalAdministrator: number, data1: number, data2: number];

export const attributeCode = {
  origin: 1,
  'as-path': 2,
  'next-hop': 3,
  'multi-exit-discriminator': 4,
  'local-preference': 5,
  'atomic-aggregate': 6,
  aggregator: 7,
  communities: 8,
  'extended-communities': 16,
  'as4-path': 17,
  'as4-aggregator': 18,
  'large-communities': 32,
  'only-to-customer': 35,
} as const satisfies Record<KnownAttribute, number>;

/** MP_REACH_NLRI and MP_UNREACH_NLRI are attributes on the wire only: an update has fields for what they carry. */
export const reachCode = 14;
export const unreachCode = 15;

export const attributeFlag = {
  optional: 0x80,
  transitive: 0x40,
  partial: 0x20,
  extendedLength: 0x10,
} as const;

const { optional, transitive } = attributeFlag;

/** The optional and transitive bits that each must have. */
export const attributeFlags: Readonly<Record<KnownAttribute, number>> = {
  origin: transitive,
  'as-path': transitive,
  'next-hop': transitive,
  'multi-exit-discriminator': optional,
  'local-preference': transitive,
  'atomic-aggregate': transitive,
  aggregator: optional | transitive,
  communities: optional | transitive,
  'extended-communities': optional | transitive,
  'as4-path': optional | transitive,
  'as4-aggregator': optional | transitive,
  'large-communities': optional | transitive,
  'only-to-customer': optional | transitive,
};

const kindByCode = new Map<number, KnownAttribute>();
for (const kind of [
  'origin',
  'as-path',
  'next-hop',
  'multi-exit-discriminator',
  'local-preference',
  'atomic-aggregate',
  'aggregator',
  'communities',
  'extended-communities',
  'as4-path',
  'as4-aggregator',
  'large-communities',
  'only-to-customer',
] as const satisfies readonly KnownAttribute[])
  kindByCode.set(attributeCode[kind], kind);

export const attributeKind = (code: number): KnownAttribute | undefined => kindByCode.get(code);

export const codeOf = (attribute: Attribute): number =>
  attribute.kind === 'unknown' ? attribute.code : attributeCode[attribute.kind];
