// What frontends share: their addresses, the endpoints that may meet themselves, the maps and chains of an affinity.
import type { Frontend } from '../table.ts';
import { affinityMap, rememberChain, rememberOperations, scopeOperations, stickyChain } from './affinity.ts';
import { addressBytes, definitions } from './compile.ts';
import { type ByteString, packElements } from './elements.ts';
import type { Operation, SetDefinition } from './operation.ts';

/** It stays in the table as long as any frontend needs it. */
export interface SharedObject {
  /** Equal for equal objects. */
  readonly id: string;
  readonly create: () => readonly Operation[];
  readonly destroy: () => readonly Operation[];
  /** Packets may be on their way through what goes late: a while after its last use. Others refer to what goes last. */
  readonly goes: 'at-once' | 'late' | 'last';
}

export function sharedObjects(frontend: Frontend): readonly SharedObject[] {
  const { family } = frontend.address;
  const { addresses, hairpin } = definitions[family];
  const objects = [sharedElement(addresses, addressBytes(frontend.address))];
  if (frontend.policy === 'Local') {
    const local = new Set(
      frontend.inside.filter((backend) => backend.local).map(({ address }) => addressBytes(address)),
    );
    for (const address of local) objects.push(sharedElement(hairpin, address + address));
  }
  const { affinity } = frontend;
  if (affinity !== undefined && frontend.inside.length > 0) {
    const remember = rememberChain(family, affinity);
    objects.push(
      {
        ...affinityScope(stickyChain(family, affinity), affinityMap(family, affinity).name),
        create: () => scopeOperations(family, affinity),
      },
      { ...rememberObject(remember), create: () => rememberOperations(family, affinity) },
    );
  }
  return objects;
}

export function sharedElement(set: SetDefinition, key: ByteString): SharedObject {
  const pack = () => ({ set: set.name, elements: packElements(set, [{ key }]) });
  return {
    id: `${set.name} ${key}`,
    create: () => [{ op: 'add-elements', ...pack() }],
    destroy: () => [{ op: 'delete-elements', ...pack() }],
    goes: 'at-once',
  };
}

export const affinityScopeId = (chain: string): string => `chain ${chain}`;

/** A scope's map and the chain that reads it, as found in the table. */
export const affinityScope = (chain: string, map: string): SharedObject => ({
  id: affinityScopeId(chain),
  create: () => [],
  destroy: () => [
    { op: 'flush-chain', chain },
    { op: 'delete-chain', chain },
    { op: 'delete-set', set: map },
  ],
  goes: 'last',
});

/** A chain that remembers for a scope, as found in the table. */
export const rememberObject = (chain: string): SharedObject => ({
  id: `chain ${chain}`,
  create: () => [],
  destroy: () => [
    { op: 'flush-chain', chain },
    { op: 'delete-chain', chain },
  ],
  goes: 'late',
});
