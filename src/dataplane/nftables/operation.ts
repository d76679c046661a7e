// The nf_tables operations that Gantry uses, as plain data: what the compiler writes, and what a port applies.

/** The hooks of base chains. */
export type Hook = 'prerouting' | 'forward' | 'output' | 'postrouting';

export type Operation =
  | { readonly op: 'add-table' }
  /** With all that is in it. */
  | { readonly op: 'delete-table' }
  | { readonly op: 'add-chain'; readonly chain: string; readonly base: BaseChain | undefined }
  /** It must hold no rules and nothing may lead to it. */
  | { readonly op: 'delete-chain'; readonly chain: string }
  | { readonly op: 'add-rule'; readonly chain: string; readonly expressions: readonly Expression[] }
  | { readonly op: 'flush-chain'; readonly chain: string }
  | { readonly op: 'add-set'; readonly set: SetDefinition }
  /** With its elements; no rule may refer to it. */
  | { readonly op: 'delete-set'; readonly set: string }
  /** Refused (EEXIST) where a key is there already. */
  | { readonly op: 'add-elements'; readonly set: string; readonly elements: Elements }
  /** Refused (ENOENT) where a key is not there. */
  | { readonly op: 'delete-elements'; readonly set: string; readonly elements: Elements };

export interface BaseChain {
  readonly type: 'filter' | 'nat';
  readonly hook: Hook;
  readonly priority: number;
}

/** The types that `nft list` shows keys and data as; their lengths count. Each field fills whole 4-byte words. */
export type FieldType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'mark';

export const fieldLength: Readonly<Record<FieldType, number>> = {
  ipv4_addr: 4,
  ipv6_addr: 16,
  inet_proto: 1,
  inet_service: 2,
  mark: 4,
};

export interface SetDefinition {
  readonly name: string;
  readonly key: readonly FieldType[];
  /** The type of what a key leads to; undefined: a set, not a map. */
  readonly data: readonly FieldType[] | 'verdict' | undefined;
  /** True: a key is a range in every field. */
  readonly ranges: boolean;
  /** Given where rules add elements: how long those stay that no rule gives a timeout. Up to 65,535 elements then. */
  readonly timeoutSeconds: number | undefined;
}

/**
 * Elements in one block of bytes, one after the other: key, then the key's end (of ranges), then data, all padded to
 * words as in the kernel's registers. A set of 250,000 endpoints would be too much as objects.
 */
export interface Elements {
  readonly count: number;
  readonly keyLength: number;
  readonly hasKeyEnd: boolean;
  readonly dataLength: number;
  readonly bytes: Uint8Array;
  /** What each element of a verdict map says; else undefined. */
  readonly verdicts: readonly ChainVerdict[] | undefined;
  /** Shown by `nft list`, one an element; undefined: none. */
  readonly comments: readonly string[] | undefined;
}

/** A 32-bit register, 0–15; longer values fill the following ones. */
export type Register = number;

/** To another chain. After a jump, the end of that chain leads back here; after a goto, to where this one would. */
export interface ChainVerdict {
  readonly kind: 'jump' | 'goto';
  readonly chain: string;
}

export type Verdict = { readonly kind: 'accept' | 'drop' | 'return' } | ChainVerdict;

/** A rule's steps. One that does not match, or finds nothing, ends its rule. */
export type Expression =
  /** Bytes of the packet's header; the rest of the last word is zeroed. */
  | {
      readonly op: 'payload';
      readonly base: 'link' | 'network' | 'transport';
      readonly offset: number;
      readonly length: number;
      readonly to: Register;
    }
  | { readonly op: 'meta'; readonly key: 'nfproto' | 'l4proto'; readonly to: Register }
  /** Connection tracking: a bit field of state or status in the host's order, or the original tuple. */
  | { readonly op: 'ct'; readonly key: 'state' | 'status'; readonly to: Register }
  | {
      readonly op: 'ct-original';
      readonly key: 'ipv4-destination' | 'ipv6-destination' | 'destination-port';
      readonly to: Register;
    }
  /** The kind of address that routing takes the source or destination for (RTN_LOCAL is 2), in the host's order. */
  | { readonly op: 'fib-type'; readonly of: 'source' | 'destination'; readonly to: Register }
  | {
      readonly op: 'compare';
      readonly from: Register;
      readonly equal: boolean;
      readonly value: Uint8Array;
    }
  /** `value & mask`, put back; as long as the mask. */
  | { readonly op: 'and'; readonly register: Register; readonly mask: Uint8Array }
  /** Of the register's bytes a hash below `modulus`, in the host's order: the kernel's jhash with seed 0. */
  | {
      readonly op: 'hash';
      readonly from: Register;
      readonly length: number;
      readonly modulus: number;
      readonly to: Register;
    }
  /** A uniformly random number below `modulus`, in the host's order. */
  | { readonly op: 'random'; readonly modulus: number; readonly to: Register }
  /** Is the key in the set? With `to`, its data is loaded; `verdict` follows a verdict map's. */
  | {
      readonly op: 'lookup';
      readonly set: string;
      readonly from: Register;
      readonly to: Register | 'verdict' | undefined;
      readonly inverted: boolean;
    }
  /** Adds the element or, where its key is there, restarts its timeout and keeps its data. */
  | {
      readonly op: 'update-element';
      readonly set: string;
      readonly key: Register;
      readonly data: Register;
      readonly timeoutSeconds: number;
    }
  | { readonly op: 'remove-element'; readonly set: string; readonly key: Register; readonly data: Register }
  | {
      readonly op: 'destination-nat';
      readonly family: 'IPv4' | 'IPv6';
      readonly address: Register;
      readonly port: Register;
    }
  /** Source NAT to the outgoing interface's address, to a random port. */
  | { readonly op: 'masquerade' }
  /** Destination NAT to the node itself. */
  | { readonly op: 'redirect' }
  /** Sends a copy to the next hop whose address is in the register; not in an `inet` table. */
  | { readonly op: 'duplicate'; readonly to: Register }
  | { readonly op: 'reject'; readonly with: 'tcp-reset' | 'port-unreachable' }
  | { readonly op: 'verdict'; readonly verdict: Verdict };

export const wordsOf = (byteLength: number): number => Math.ceil(byteLength / 4);

/** The bytes that a key or data of these fields takes, each padded to words. */
export const paddedLength = (fields: readonly FieldType[]): number =>
  fields.reduce((sum, field) => sum + wordsOf(fieldLength[field]) * 4, 0);
