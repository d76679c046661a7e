// Who asked for an address, so that it can be told by itself when the address moves: switches and access points drop
// broadcasts before anything else. Bounded; time is milliseconds of any steady clock.
import type { Address, Family } from '../../model/address.ts';
import { addressOfKey, holdingKey, shareOf } from '../../model/share.ts';

export interface Asker {
  readonly address: Address;
  readonly mac: Uint8Array;
}

/** Of one interface and share. */
export type AskerRecord = readonly [where: string, askers: readonly Noted[]];

export interface Askers {
  /** It asked on the interface for `target`, the key of a holding: an address in canonical form, or its share. */
  note(interfaceName: string, target: string, asker: Asker, now: number): void;
  /** Whom to tell that `target` has moved: the last that asked for it first. */
  recall(interfaceName: string, target: string, family: Family, now: number): Asker[];
  /** All that is known of who asked for shares. */
  ofShares(): AskerRecord[];
  /** Goes on with what another knew, by the same clock. */
  inherit(records: readonly AskerRecord[]): void;
}

/**
 * Longer than neighbours keep what they do not use; a router that uses an address asks again sooner. Askers of a share are
 * not forgotten: who keeps its entry by asking the share's node alone is heard by no other, and has nobody else to tell
 * it.
 */
const forgetMilliseconds = 20 * 60_000;
const askersPerTarget = 8;
/** Those of a share are told by themselves alone: what is told to all would move those of the other shares as well. */
const askersPerShare = 256;
/** Of both interfaces and addresses; the ones that were asked for longest ago are forgotten first. */
const mostTargets = 20_000;
/**
 * Requests of ARP are heard by all nodes. Solicitations are heard by who has the address, so for one that comes here
 * these are told that asked for any other: a router asks for many.
 */
const sharedAskers = 4;

interface Noted extends Asker {
  readonly at: number;
}

export function createAskers(): Askers {
  const byTarget = new Map<string, Noted[]>();

  const insert = (key: string, asker: Noted, most: number): void => {
    const others = (byTarget.get(key) ?? []).filter(
      ({ address }) => address.value !== asker.address.value || address.family !== asker.address.family,
    );
    byTarget.delete(key);
    byTarget.set(key, [asker, ...others.slice(0, most - 1)]);
    if (byTarget.size <= mostTargets) return;
    const [oldest] = byTarget.keys();
    if (oldest !== undefined) byTarget.delete(oldest);
  };

  /** Of a share: those that asked while the address was whole, and have not since. */
  const askersOfWhole = (interfaceName: string, target: string): Noted[] => {
    const address = addressOfKey(target);
    if (address === target) return [];
    const told = byTarget.get(`${interfaceName} ${target}`) ?? [];
    return (byTarget.get(`${interfaceName} ${address}`) ?? []).filter(
      (one) =>
        holdingKey(address, shareOf(one.mac)) === target &&
        !told.some(({ address: { value } }) => value === one.address.value),
    );
  };

  return {
    note(interfaceName, target, asker, now) {
      const noted = { ...asker, at: now };
      const most = target.includes('#') ? askersPerShare : askersPerTarget;
      insert(`${interfaceName} ${target}`, noted, most);
      if (asker.address.family === 'IPv6') insert(interfaceName, noted, sharedAskers);
    },
    recall(interfaceName, target, family, now) {
      const own = [
        ...(byTarget.get(`${interfaceName} ${target}`) ?? []),
        ...askersOfWhole(interfaceName, target),
      ];
      // Those of other shares are not to be told; and a node that has one share hears the solicitations for all.
      const isShare = target.includes('#');
      const isShared = family === 'IPv6' && !isShare;
      const shared = isShared ? (byTarget.get(interfaceName) ?? []) : [];
      const others = shared.filter((one) => !own.some(({ address }) => address.value === one.address.value));
      return [...own, ...others].filter(({ at }) => isShare || now - at < forgetMilliseconds);
    },
    ofShares: () => [...byTarget].filter(([where]) => where.includes('#')),
    inherit(records) {
      for (const [where, noted] of records) byTarget.set(where, [...noted]);
    },
  };
}
