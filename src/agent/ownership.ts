// The addresses that this node answers for, as pulse reads them back.
import type { FromPulse, LinkOwned } from '../pulse/link.ts';

export type OwnedMessage = Extract<FromPulse, { readonly type: 'owned' }>;

export interface Ownership {
  readonly addresses: ReadonlyMap<string, LinkOwned>;
  /** Takes what pulse says; returns the addresses that came, went or changed. */
  apply(message: OwnedMessage): Set<string>;
}

export function createOwnership(): Ownership {
  const addresses = new Map<string, LinkOwned>();
  return {
    addresses,
    apply({ replace, upserts, removals }) {
      const kept = new Set(upserts.map(({ address }) => address));
      const lost = replace ? [...addresses.keys()].filter((address) => !kept.has(address)) : removals;
      const changed = new Set<string>();
      for (const address of lost) if (addresses.delete(address)) changed.add(address);
      for (const owned of upserts) {
        if (isSame(addresses.get(owned.address), owned)) continue;
        addresses.set(owned.address, owned);
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
