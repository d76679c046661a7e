// Who had what last, as a watcher has granted it: also where an address was held whole before and in shares now, or the
// other way round. It tells whom connections may belong to, and decides nothing.
import { addressOfKey, shareKeys } from '../../model/share.ts';

/** A share, or an address where that is whole before and after; and the node that had it. */
export type PastHolder = readonly [key: string, node: string];

export interface PastHolders {
  /** By key, in the form in which the address is held now. */
  readonly last: Map<string, string>;
  /** By key, who had it in the other form: until another than the first takes it in this one. */
  readonly otherwise: Map<string, readonly PastHolder[]>;
  /** Addresses that are held in shares. */
  readonly spread: Set<string>;
}

export const createPastHolders = (): PastHolders => ({
  last: new Map(),
  otherwise: new Map(),
  spread: new Set(),
});

/** The node has it from now on. */
export function noteHolder(past: PastHolders, key: string, node: string): void {
  const address = addressOfKey(key);
  const isShare = address !== key;
  if (isShare !== past.spread.has(address)) changeForm(past, address, isShare);
  if ((past.last.get(key) ?? node) !== node) past.otherwise.delete(key);
  past.last.set(key, node);
}

/** Who had what is asked for in the other form: of a share whoever had the address, of an address who had its shares. */
export const heldOtherwise = (
  { last, otherwise, spread }: PastHolders,
  key: string,
): readonly PastHolder[] => {
  const address = addressOfKey(key);
  if (spread.has(address) === (address !== key)) return otherwise.get(key) ?? [];
  return inForm(last, address !== key ? [address] : shareKeys(address), key);
};

/** A share stays that share; what was whole is now this share of it. */
const inForm = (last: PastHolders['last'], keys: readonly string[], as: string): PastHolder[] =>
  keys.flatMap((key) => {
    const node = last.get(key);
    return node === undefined ? [] : [[keys.length === 1 ? as : key, node]];
  });

function changeForm({ last, otherwise, spread }: PastHolders, address: string, toShares: boolean): void {
  const shares = shareKeys(address);
  const [before, after] = toShares ? [[address], shares] : [shares, [address]];
  for (const key of after) {
    const holders = inForm(last, before, key);
    if (holders.length > 0) otherwise.set(key, holders);
  }
  for (const key of before) {
    last.delete(key);
    otherwise.delete(key);
  }
  if (toShares) spread.add(address);
  else spread.delete(address);
}
