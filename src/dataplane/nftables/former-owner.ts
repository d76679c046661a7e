// What goes on in the middle of a TCP connection that this node does not know is passed back, as it is, to the node that
// had the address before and knows it: so moving an address on purpose breaks no connection.
//
// A table for each family, apart from `inet gantry`, since only those can duplicate packets; pulse owns them, because an
// entry has to be there before the neighbours hear of the move. The duplicate is untracked: nothing here looks at it
// again. Its TTL is one less (nf_dup_ipv4.c, nf_dup_ipv6.c), so not even two nodes that pass back to each other would do
// so for ever.

import { type Address, addressToBytes, type Family } from '../../model/address.ts';
import { type Holding, sharesPerAddress } from '../../model/share.ts';
import { drop, hasConnectionBit, hostWord, isProtocol, load, stateInvalid, stateNew } from './expression.ts';
import { layoutOf, loadDestination } from './family.ts';
import type { Elements, Expression, Operation, SetDefinition } from './operation.ts';

export interface FormerOwner extends Holding {
  /** Of the node that had it: of the same family, on a link of ours. */
  readonly node: Address;
}

const setName = 'owners';
/** Of addresses that are spread: by address and share. */
const shareSetName = 'share-owners';
const chainName = 'pass-back';

const owners = (family: Family): SetDefinition => ({
  name: setName,
  key: [layoutOf(family).address],
  data: [layoutOf(family).address],
  ranges: false,
  timeoutSeconds: undefined,
});

const shareOwners = (family: Family): SetDefinition => ({
  ...owners(family),
  name: shareSetName,
  key: [layoutOf(family).address, 'mark'],
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

/** By the share of the neighbour that the packet comes from: `shareOf` of its MAC (model/share.ts). */
function passShareBack(family: Family): readonly Expression[] {
  const { addressWords } = layoutOf(family);
  const mac = addressWords + 1;
  return [
    loadDestination(layoutOf(family), 0),
    { op: 'payload', base: 'link', offset: 6, length: 6, to: mac },
    { op: 'hash', from: mac, length: 6, modulus: sharesPerAddress, to: addressWords },
    load(shareSetName, 0, 0),
    { op: 'duplicate', to: 0 },
    drop,
  ];
}

/**
 * Connection tracking takes data of an unknown connection for a new one, and its end for invalid (the table of
 * nf_conntrack_proto_tcp.c). An end that is invalid otherwise is so to the former owner too, and ends there.
 */
const unknownConnections: readonly (readonly Expression[])[] = [
  [...isProtocol(6), ...hasConnectionBit('state', stateNew), ...hasFlag(flags.syn, false)],
  [...isProtocol(6), ...hasConnectionBit('state', stateInvalid), ...hasFlag(flags.fin | flags.rst, true)],
];

const ruleOf = (...expressions: readonly Expression[]): Operation => ({
  op: 'add-rule',
  chain: chainName,
  expressions,
});

/** Makes the table of a family, without any entry; after connection tracking and before any destination NAT. */
export const formerOwnerTable = (family: Family): readonly Operation[] => [
  { op: 'add-table' },
  { op: 'add-set', set: owners(family) },
  { op: 'add-chain', chain: chainName, base: { type: 'filter', hook: 'prerouting', priority: -120 } },
  ...unknownConnections.map((these) => ruleOf(...these, ...passBack(family))),
];

/** Adds to it what is for shares: apart, since not every kernel can hash (nft_hash). */
export const formerShareOwners = (family: Family): readonly Operation[] => [
  { op: 'add-set', set: shareOwners(family) },
  ...unknownConnections.map((these) => ruleOf(...these, ...passShareBack(family))),
];

/** All of one family. */
export const addFormerOwners = (entries: readonly FormerOwner[]): readonly Operation[] =>
  operationsOf('add-elements', entries);

export const removeFormerOwners = (entries: readonly FormerOwner[]): readonly Operation[] =>
  operationsOf('delete-elements', entries);

function operationsOf(
  op: 'add-elements' | 'delete-elements',
  entries: readonly FormerOwner[],
): readonly Operation[] {
  return [setName, shareSetName].flatMap((set) => {
    const pairs = entries
      .filter(({ share }) => (share === undefined) === (set === setName))
      .map(({ address, share, node }) => [keyOf(address, share), addressToBytes(node)] as const);
    return pairs.length === 0 ? [] : [{ op, set, elements: elementsOf(pairs) }];
  });
}

const keyOf = (address: Address, share: number | undefined): Uint8Array =>
  Uint8Array.of(...addressToBytes(address), ...(share === undefined ? [] : hostWord(share)));

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
