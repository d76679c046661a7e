// No address is in two IPAddressPools.
import { type AddressRange, formatRange } from '../model/address.ts';
import type { Pool } from '../model/pool.ts';
import type { AdmissionRules } from './admission.ts';
import { type FieldProblem, fieldError } from './field-problem.ts';
import { rangesOverlap } from './pool-addresses.ts';

interface Owned {
  readonly pool: string;
  readonly range: AddressRange;
}

/** Refuses a pool that overlaps an admitted one, naming both; O(log n) a range. */
export function poolRules(): AdmissionRules<Pool> {
  const owned: Record<'IPv4' | 'IPv6', Owned[]> = { IPv4: [], IPv6: [] };
  return {
    refusals(pool) {
      const problems: FieldProblem[] = [];
      for (const [index, range] of pool.ranges.entries()) {
        const rival = overlapping(owned[range.first.family], range);
        if (rival === undefined) continue;
        const rule = `This overlaps ${formatRange(rival.range)} of the IPAddressPool ${rival.pool}, which came first, so ${pool.name} is set aside: take the addresses out of one of the two.`;
        problems.push(fieldError(['spec', 'addresses', index], formatRange(range), rule));
      }
      return problems;
    },
    admit(pool) {
      for (const range of pool.ranges) {
        const list = owned[range.first.family];
        list.splice(firstAfter(list, range), 0, { pool: pool.name, range });
      }
    },
  };
}

/** `list` is sorted and without overlaps, so only the neighbours of the range's place can overlap it. */
function overlapping(list: readonly Owned[], range: AddressRange): Owned | undefined {
  const place = firstAfter(list, range);
  return [list[place - 1], list[place]].find(
    (entry) => entry !== undefined && rangesOverlap(entry.range, range),
  );
}

/** Index of the first entry that begins after the range begins. */
function firstAfter(list: readonly Owned[], range: AddressRange): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = list[middle];
    if (entry !== undefined && entry.range.first.value <= range.first.value) low = middle + 1;
    else high = middle;
  }
  return low;
}
