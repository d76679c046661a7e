// Which addresses this node answers for, and why: elections compared with what was, as pure steps over plain data.

import { electOwner } from '../announce/layer2/elect.ts';
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import type { Candidate } from '../announce/plan.ts';
import type { Address } from '../model/address.ts';
import type { LinkOwned } from './link.ts';

export interface TableEntry {
  readonly address: Address;
  readonly candidates: readonly Candidate[];
}

export interface OwnedEntry {
  readonly address: Address;
  readonly interfaces: readonly string[];
  readonly cause: LinkOwned['cause'];
  readonly from: string | undefined;
}

/** What is remembered of an address: who was elected last, and what this node has of it. */
export interface Ownership {
  readonly lastOwner: Map<string, string>;
  readonly owned: Map<string, OwnedEntry>;
}

export const createOwnership = (): Ownership => ({ lastOwner: new Map(), owned: new Map() });

export interface View {
  readonly self: string;
  /** Usable interfaces of a member that may be elected; undefined for one that may not. */
  readonly interfacesOf: (node: string) => readonly NodeInterface[] | undefined;
  readonly isDead: (node: string) => boolean;
}

export type OwnershipChange =
  | { readonly kind: 'own'; readonly key: string; readonly entry: OwnedEntry; readonly isNew: boolean }
  | {
      readonly kind: 'release';
      readonly key: string;
      readonly entry: OwnedEntry;
      readonly to: string | undefined;
    };

/** Elects the address's owner anew; changes the ownership and tells what to do. `entry` undefined: nobody may have it. */
export function reelect(
  ownership: Ownership,
  key: string,
  entry: TableEntry | undefined,
  view: View,
): OwnershipChange | undefined {
  const owner = entry && electOwner(entry.address, entry.candidates, view.interfacesOf);
  const before = ownership.lastOwner.get(key);
  const mine = ownership.owned.get(key);
  if (entry === undefined) ownership.lastOwner.delete(key);
  else if (owner !== undefined) ownership.lastOwner.set(key, owner.node);

  if (entry !== undefined && owner?.node === view.self) {
    if (mine !== undefined && sameNames(mine.interfaces, owner.interfaces)) return undefined;
    const { cause, from } = mine ?? causeOf(before, view);
    const next: OwnedEntry = { address: entry.address, interfaces: owner.interfaces, cause, from };
    ownership.owned.set(key, next);
    return { kind: 'own', key, entry: next, isNew: mine === undefined };
  }
  if (mine === undefined) return undefined;
  ownership.owned.delete(key);
  return { kind: 'release', key, entry: mine, to: owner?.node };
}

function causeOf(before: string | undefined, view: View): Pick<OwnedEntry, 'cause' | 'from'> {
  if (before === undefined || before === view.self) return { cause: 'elected', from: undefined };
  return view.isDead(before) ? { cause: 'takeover', from: before } : { cause: 'failback', from: before };
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);
