// What differs between the two families in the table: names, header offsets, register widths; and the keys they share.
import type { Family } from '../../model/address.ts';
import { isFamily } from './expression.ts';
import type { Expression, FieldType, Register } from './operation.ts';
import { wordsOf } from './operation.ts';

export interface FamilyLayout {
  readonly family: Family;
  /** Ends the names of the family's sets and chains. */
  readonly suffix: '4' | '6';
  readonly address: FieldType;
  readonly addressLength: 4 | 16;
  readonly addressWords: 1 | 4;
  /** NFPROTO_IPV4 or NFPROTO_IPV6. */
  readonly netfilterProtocol: number;
  /** Offsets in the network header. */
  readonly sourceOffset: number;
  readonly destinationOffset: number;
  /** ICMP's protocol number and its echo request. */
  readonly icmp: number;
  readonly echoRequest: number;
}

export const ipv4: FamilyLayout = {
  family: 'IPv4',
  suffix: '4',
  address: 'ipv4_addr',
  addressLength: 4,
  addressWords: 1,
  netfilterProtocol: 2,
  sourceOffset: 12,
  destinationOffset: 16,
  icmp: 1,
  echoRequest: 8,
};

export const ipv6: FamilyLayout = {
  family: 'IPv6',
  suffix: '6',
  address: 'ipv6_addr',
  addressLength: 16,
  addressWords: 4,
  netfilterProtocol: 10,
  sourceOffset: 8,
  destinationOffset: 24,
  icmp: 58,
  echoRequest: 128,
};

export const familyLayouts: readonly FamilyLayout[] = [ipv4, ipv6];
export const layoutOf = (family: Family): FamilyLayout => (family === 'IPv4' ? ipv4 : ipv6);

/** A frontend's key: address, protocol, port. */
export const frontendFields = (of: FamilyLayout): readonly FieldType[] => [
  of.address,
  'inet_proto',
  'inet_service',
];

/** An endpoint as data: address and port. */
export const endpointFields = (of: FamilyLayout): readonly FieldType[] => [of.address, 'inet_service'];

export const loadSource = (of: FamilyLayout, to: Register): Expression => ({
  op: 'payload',
  base: 'network',
  offset: of.sourceOffset,
  length: of.addressLength,
  to,
});

export const loadDestination = (of: FamilyLayout, to: Register): Expression => ({
  op: 'payload',
  base: 'network',
  offset: of.destinationOffset,
  length: of.addressLength,
  to,
});

/** TCP, UDP and SCTP have it in the same place. */
export const loadDestinationPort = (to: Register): Expression => ({
  op: 'payload',
  base: 'transport',
  offset: 2,
  length: 2,
  to,
});

/** The frontend that a packet is for, as a key in the registers from `to` on. */
export const loadFrontend = (of: FamilyLayout, to: Register): readonly Expression[] => [
  loadDestination(of, to),
  { op: 'meta', key: 'l4proto', to: to + of.addressWords },
  loadDestinationPort(to + of.addressWords + 1),
];

/** The frontend that a connection's first packet was for, before any NAT. */
export const loadOriginalFrontend = (of: FamilyLayout, to: Register): readonly Expression[] => [
  {
    op: 'ct-original',
    key: of.family === 'IPv4' ? 'ipv4-destination' : 'ipv6-destination',
    to,
  },
  { op: 'meta', key: 'l4proto', to: to + of.addressWords },
  { op: 'ct-original', key: 'destination-port', to: to + of.addressWords + 1 },
];

/** The packet's destination as an endpoint: address, port. */
export const loadEndpoint = (of: FamilyLayout, to: Register): readonly Expression[] => [
  loadDestination(of, to),
  loadDestinationPort(to + wordsOf(of.addressLength)),
];

/** The rule, with its family said where it reads the network header: only so does nft show it as `ip daddr`. */
export const sayingFamily = (of: FamilyLayout, rule: readonly Expression[]): readonly Expression[] =>
  rule.some((expression) => expression.op === 'payload' && expression.base === 'network')
    ? [...isFamily(of.netfilterProtocol), ...rule]
    : rule;
