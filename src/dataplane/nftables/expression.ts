// Short forms for the expressions that the layout's rules are made of.
import { addressToBytes, type Cidr, familyBits } from '../../model/address.ts';
import type { Expression, Register, Verdict } from './operation.ts';

/** A 32-bit number as the kernel holds it in a register: in the host's order, which is little-endian. */
export function hostWord(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

const verdict = (of: Verdict): Expression => ({ op: 'verdict', verdict: of });
export const drop = verdict({ kind: 'drop' });
export const accept = verdict({ kind: 'accept' });
export const returnToCaller = verdict({ kind: 'return' });
export const goTo = (chain: string): Expression => verdict({ kind: 'goto', chain });
export const jump = (chain: string): Expression => verdict({ kind: 'jump', chain });

/** Goes on only where the key is in the set. */
export const within = (set: string, from: Register): Expression => ({
  op: 'lookup',
  set,
  from,
  to: undefined,
  inverted: false,
});

/** Goes on only where the key is not in the set. */
export const notWithin = (set: string, from: Register): Expression => ({
  op: 'lookup',
  set,
  from,
  to: undefined,
  inverted: true,
});

/** Loads a map's data; goes on only where the key is there. */
export const load = (set: string, from: Register, to: Register): Expression => ({
  op: 'lookup',
  set,
  from,
  to,
  inverted: false,
});

/** Follows a verdict map; goes on where the key is not there. */
export const follow = (set: string, from: Register): Expression => ({
  op: 'lookup',
  set,
  from,
  to: 'verdict',
  inverted: false,
});

const isValue = (from: Register, value: Uint8Array): Expression => ({
  op: 'compare',
  from,
  equal: true,
  value,
});

/** Goes on only for this transport protocol. */
export const isProtocol = (protocol: number): readonly Expression[] => [
  { op: 'meta', key: 'l4proto', to: 0 },
  isValue(0, Uint8Array.of(protocol)),
];

/** Goes on only for this netfilter protocol, which tells the families apart. */
export const isFamily = (netfilterProtocol: number): readonly Expression[] => [
  { op: 'meta', key: 'nfproto', to: 0 },
  isValue(0, Uint8Array.of(netfilterProtocol)),
];

/** Goes on only for this ICMP type; the protocol has been seen to be ICMP. */
export const isIcmpType = (type: number): readonly Expression[] => [
  { op: 'payload', base: 'transport', offset: 0, length: 1, to: 0 },
  isValue(0, Uint8Array.of(type)),
];

/** Goes on only where routing takes the address for one of the node's own (RTN_LOCAL, rtnetlink.h). */
export const isOwnAddress = (of: 'source' | 'destination'): readonly Expression[] => [
  { op: 'fib-type', of, to: 0 },
  isValue(0, hostWord(2)),
];

/** Goes on only where one of these bits of the connection's state or status is set. */
export const hasConnectionBit = (key: 'state' | 'status', bits: number): readonly Expression[] => [
  { op: 'ct', key, to: 0 },
  { op: 'and', register: 0, mask: hostWord(bits) },
  { op: 'compare', from: 0, equal: false, value: hostWord(0) },
];

/** Goes on only for an address in the block; the register is spent. */
export function isInCidr(register: Register, cidr: Cidr): readonly Expression[] {
  const { family } = cidr.address;
  const bits = BigInt(familyBits(family));
  const mask = (1n << bits) - (1n << (bits - BigInt(cidr.prefixLength)));
  return [
    { op: 'and', register, mask: addressToBytes({ family, value: mask }) },
    isValue(register, addressToBytes(cidr.address)),
  ];
}

/**
 * NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT(IP_CT_NEW), NF_CT_STATE_UNTRACKED_BIT, IPS_DST_NAT (nf_conntrack_common.h).
 */
export const stateInvalid = 1;
export const stateNew = 1 << 3;
export const stateUntracked = 1 << 6;
export const statusDestinationNat = 1 << 5;
