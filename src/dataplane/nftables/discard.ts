// What an aggregate covers and no Service has must not be sent back to the router that sent it here: it is dropped.
//
// A table of its own, `inet gantry-discard`, as the agent's BGP side has it. A blackhole route would do the same for what
// passes through, and more than that: the node's own packets to a Service's address are routed before the output hook
// translates them, so that such a route would refuse them. On their way through, what is for a Service has been translated.
import { addressToBytes, type Cidr, type Family, familyBits } from '../../model/address.ts';
import { accept, drop, hasConnectionBit, isFamily, statusDestinationNat, within } from './expression.ts';
import { layoutOf, loadDestination } from './family.ts';
import type { Elements, Expression, Operation, SetDefinition } from './operation.ts';

export const discardTableName = 'gantry-discard';

const chain = 'forward';

/** The whole table, in place of none. A packet costs a lookup for each length that there is. */
export function discardTable(prefixes: readonly Cidr[]): readonly Operation[] {
  const groups = Map.groupBy(prefixes, ({ address, prefixLength }) => `${address.family}-${prefixLength}`);
  return [
    { op: 'add-table' },
    { op: 'add-chain', chain, base: { type: 'filter', hook: 'forward', priority: -1 } },
    ruleOf(...hasConnectionBit('status', statusDestinationNat), accept),
    ...[...groups.values()].flatMap(groupOperations),
  ];
}

function groupOperations(prefixes: readonly Cidr[]): readonly Operation[] {
  const [first] = prefixes;
  if (first === undefined) return [];
  const { family } = first.address;
  const layout = layoutOf(family);
  const set: SetDefinition = {
    name: `aggregates${layout.suffix}-${first.prefixLength}`,
    key: [layout.address],
    data: undefined,
    ranges: false,
    timeoutSeconds: undefined,
  };
  return [
    { op: 'add-set', set },
    { op: 'add-elements', set: set.name, elements: elementsOf(prefixes, layout.addressLength) },
    ruleOf(
      ...isFamily(layout.netfilterProtocol),
      loadDestination(layout, 0),
      { op: 'and', register: 0, mask: maskOf(family, first.prefixLength) },
      within(set.name, 0),
      drop,
    ),
  ];
}

const ruleOf = (...expressions: readonly Expression[]): Operation => ({ op: 'add-rule', chain, expressions });

function maskOf(family: Family, prefixLength: number): Uint8Array {
  const bits = BigInt(familyBits(family));
  return addressToBytes({ family, value: (1n << bits) - (1n << (bits - BigInt(prefixLength))) });
}

const elementsOf = (prefixes: readonly Cidr[], keyLength: number): Elements => ({
  count: prefixes.length,
  keyLength,
  hasKeyEnd: false,
  dataLength: 0,
  bytes: Buffer.concat(prefixes.map(({ address }) => addressToBytes(address))),
  verdicts: undefined,
  comments: undefined,
});
