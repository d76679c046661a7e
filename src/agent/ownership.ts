// The addresses that this node answers for, and the shares of those that are spread, as pulse reads them back.
import { addressOfKey } from '../model/share.ts';
import type { FromPulse, LinkOwned } from '../pulse/link.ts';

export type OwnedMessage = Extract<FromPulse, { readonly type: 'owned' }>;

export interface Ownership {
  /** By address in canonical form: one entry for all of it, or one for each share of it that is here. */
  readonly addresses: ReadonlyMap<string, readonly LinkOwned[]>;
  /** Takes what pulse says; returns the keys that came, went or changed. */
  apply(message: OwnedMessage): Set<string>;
}

export function createOwnership(): Ownership {
  const addresses = new Map<string, readonly LinkOwned[]>();
  const entryOf = (key: string): LinkOwned | undefined =>
    addresses.get(addressOfKey(key))?.find(({ address }) => address === key);

  /** Puts the entry in the place of the one with its key; undefined: there is none any more. */
  const put = (key: string, entry: LinkOwned | undefined): void => {
    const text = addressOfKey(key);
    const others = (addresses.get(text) ?? []).filter(({ address }) => address !== key);
    const entries = entry === undefined ? others : [...others, entry];
    if (entries.length === 0) addresses.delete(text);
    else addresses.set(text, entries);
  };

  return {
    addresses,
    apply({ replace, upserts, removals }) {
      const kept = new Set(upserts.map(({ address }) => address));
      const known = replace ? [...addresses.values()].flat().map(({ address }) => address) : [];
      const lost = replace ? known.filter((key) => !kept.has(key)) : removals;
      const changed = new Set<string>();
      for (const key of lost) {
        if (entryOf(key) === undefined) continue;
        put(key, undefined);
        changed.add(key);
      }
      for (const owned of upserts) {
        if (isSame(entryOf(owned.address), owned)) continue;
        put(owned.address, owned);
        changed.add(owned.address);
      }
      return changed;
    },
  };
}

const isSame = (a: LinkOwned | undefined, b: LinkOwned): boolean =>
  a !== undefined && a.cause === b.cause && a.interfaces.join() === b.interfaces.join();

/** Nothing is owned any more. */
export const nothingOwned: OwnedMessage = { type: 'owned', replace: true, upserts: [], removals: [] };
