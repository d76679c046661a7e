// Session affinity by client address: for each scope a map from client to endpoint, and rules that read and write it.
//
// nft aborts on a rule that joins what one map says to the key of the next, so a remembered endpoint cannot be looked
// up in the set of those still offered before the packet is sent there; that happens right after the NAT, and a packet
// for one no longer offered is dropped and the memory deleted: its sender's next try goes elsewhere. This is for the
// instant between a change and its purge, which deletes such memories at once.
import { hash } from 'node:crypto';
import type { Family } from '../../model/address.ts';
import type { Affinity } from '../table.ts';
import { drop, load, notWithin } from './expression.ts';
import {
  endpointFields,
  type FamilyLayout,
  layoutOf,
  loadEndpoint,
  loadOriginalFrontend,
  loadSource,
  sayingFamily,
} from './family.ts';
import type { Expression, Operation, SetDefinition } from './operation.ts';
import { setNames } from './sets.ts';

type Rule = readonly Expression[];

const scopeHash = (affinity: Affinity): string => hash('sha256', affinity.scope).slice(0, 16);

/** From client to endpoint; its own timeout is never used, as every rule gives one. */
export const affinityMap = (family: Family, affinity: Affinity): SetDefinition => {
  const of = layoutOf(family);
  return {
    name: `affinity${of.suffix}-${scopeHash(affinity)}`,
    key: [of.address],
    data: endpointFields(of),
    ranges: false,
    timeoutSeconds: 86_400,
  };
};

/** Keeps a client where it was. */
export const stickyChain = (family: Family, affinity: Affinity): string =>
  `sticky${layoutOf(family).suffix}-${scopeHash(affinity)}`;

/** Remembers where a client went. Its rules fix the timeout, so it has one chain for each. */
export const rememberChain = (family: Family, affinity: Affinity): string =>
  `remember${layoutOf(family).suffix}-${scopeHash(affinity)}-${affinity.timeoutSeconds}`;

/** What a scope needs besides the chain that remembers. */
export function scopeOperations(family: Family, affinity: Affinity): readonly Operation[] {
  const of = layoutOf(family);
  const chain = stickyChain(family, affinity);
  const set = affinityMap(family, affinity);
  return [
    { op: 'add-set', set },
    { op: 'add-chain', chain, base: undefined },
    { op: 'add-rule', chain, expressions: sayingFamily(of, stickyRule(of, set.name)) },
  ];
}

const stickyRule = (of: FamilyLayout, map: string): Rule => [
  loadSource(of, 0),
  load(map, 0, 8),
  { op: 'destination-nat', family: of.family, address: 8, port: 8 + of.addressWords },
];

export function rememberOperations(family: Family, affinity: Affinity): readonly Operation[] {
  const of = layoutOf(family);
  const chain = rememberChain(family, affinity);
  const rules = rememberRules(of, affinityMap(family, affinity).name, affinity.timeoutSeconds);
  return [
    { op: 'add-chain', chain, base: undefined },
    ...rules.map((rule): Operation => ({ op: 'add-rule', chain, expressions: sayingFamily(of, rule) })),
  ];
}

/** These run after the destination NAT: the packet's destination is the endpoint. */
function rememberRules(of: FamilyLayout, map: string, timeoutSeconds: number): readonly Rule[] {
  const frontend = 0;
  const endpointOfFrontend = of.addressWords + 2;
  // Client and endpoint where the frontend and its endpoint were, which are then not needed any more.
  const client = 0;
  const endpoint = of.addressWords;
  const loadMemory = [loadSource(of, client), ...loadEndpoint(of, endpoint)];
  return [
    [
      ...loadOriginalFrontend(of, frontend),
      ...loadEndpoint(of, endpointOfFrontend),
      notWithin(setNames(of.family).members, frontend),
      ...loadMemory,
      { op: 'remove-element', set: map, key: client, data: endpoint },
      drop,
    ],
    [...loadMemory, { op: 'update-element', set: map, key: client, data: endpoint, timeoutSeconds }],
  ];
}
