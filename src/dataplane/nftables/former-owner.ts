// What goes on in the middle of a TCP connection that this node does not know is passed back, as it is, to the node that
// had the address before and knows it: so moving an address on purpose breaks no connection.
//
// A table for each family, apart from `inet gantry`, since only those can duplicate packets; pulse owns them, because an
// entry has to be there before the neighbours hear of the move. The duplicate is untracked: nothing here looks at it
// again. Its TTL is one less (nf_dup_ipv4.c, nf_dup_ipv6.c), so not even two nodes that pass back to each other would do
// so for ever.
import { type Address, addressToBytes, type Family } from '../../model/address.ts';
import { drop, hasConnectionBit, isProtocol, load, stateInvalid, stateNew } from './expression.ts';
import { layoutOf, loadDestination } from './family.ts';
import type { Elements, Expression, Operation, SetDefinition } from './operation.ts';

export interface FormerOwner {
  readonly address: Address;
  /** Of the node that had it: of the same family, on a link of ours. */
  readonly node: Address;
}

const setName = 'owners';
const chainName = 'pass-back';

const owners = (family: Family): SetDefinition => ({
  name: setName,
  key: [layoutOf(family).address],
  data: [layoutOf(family).address],
  ranges: false,
  timeoutSeconds: undefined,
});

/** The flags' byte of a TCP header, and flags in it (RFC 9293 §3.1). */
const flagsOffset = 13;
const flags = { fin: 1, syn: 2, rst: 4 };

const hasFlag = (mask: number, isSet: boolean): readonly Expression[] => [
  { op: 'payload', base: 'transport', offset: flagsOffset, length: 1, to: 0 },
  { op: 'and', register: 0, mask: Uint8Array.of(mask) },
  { op: 'compare', from: 0, equal: !isSet, value: Uint8Array.of(0) },
];

const passBack = (family: Family): readonly Expression[] => [
  loadDestination(layoutOf(family), 0),
  load(setName, 0, 0),
  { op: 'duplicate', to: 0 },
  drop,
];

/**
 * Connection tracking takes data of an unknown connection for a new one, and its end for invalid (the table of
 * nf_conntrack_proto_tcp.c). An end that is invalid otherwise is so to the former owner too, and ends there.
 */
const rules = (family: Family): readonly (readonly Expression[])[] => [
  [
    ...isProtocol(6),
    ...hasConnectionBit('state', stateNew),
    ...hasFlag(flags.syn, false),
    ...passBack(family),
  ],
  [
    ...isProtocol(6),
    ...hasConnectionBit('state', stateInvalid),
    ...hasFlag(flags.fin | flags.rst, true),
    ...passBack(family),
  ],
];

/** Makes the table of a family, without any entry; after connection tracking and before any destination NAT. */
export const formerOwnerTable = (family: Family): readonly Operation[] => [
  { op: 'add-table' },
  { op: 'add-set', set: owners(family) },
  { op: 'add-chain', chain: chainName, base: { type: 'filter', hook: 'prerouting', priority: -120 } },
  ...rules(family).map((expressions): Operation => ({ op: 'add-rule', chain: chainName, expressions })),
];

/** All of one family. */
export const addFormerOwners = (entries: readonly FormerOwner[]): Operation => ({
  op: 'add-elements',
  set: setName,
  elements: elementsOf(entries.map(({ address, node }) => [addressToBytes(address), addressToBytes(node)])),
});

export const removeFormerOwners = (entries: readonly FormerOwner[]): Operation => ({
  op: 'delete-elements',
  set: setName,
  elements: elementsOf(entries.map(({ address, node }) => [addressToBytes(address), addressToBytes(node)])),
});

function elementsOf(pairs: readonly (readonly [key: Uint8Array, data: Uint8Array])[]): Elements {
  const [first] = pairs;
  return {
    count: pairs.length,
    keyLength: first?.[0].length ?? 0,
    hasKeyEnd: false,
    dataLength: first?.[1].length ?? 0,
    bytes: Buffer.concat(pairs.flat()),
    verdicts: undefined,
    comments: undefined,
  };
}
