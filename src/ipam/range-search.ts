// Finds, among disjoint ranges of one family in ascending order, the one that holds an address.
import type { AddressRange } from '../model/address.ts';

export interface RangeEntry {
  readonly range: AddressRange;
}

export const sortRanges = <T extends RangeEntry>(entries: readonly T[]): T[] =>
  [...entries].sort((a, b) => (a.range.first.value < b.range.first.value ? -1 : 1));

/** By bisection, in `sorted` as `sortRanges` gives it. */
export function findRange<T extends RangeEntry>(sorted: readonly T[], value: bigint): T | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = sorted[middle];
    if (entry !== undefined && entry.range.first.value <= value) low = middle + 1;
    else high = middle;
  }
  const candidate = sorted[low - 1];
  return candidate !== undefined && value <= candidate.range.last.value ? candidate : undefined;
}
