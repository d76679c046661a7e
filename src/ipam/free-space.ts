// The free addresses of one pool and family. Nothing is enumerated: what is kept grows with use, not with size.

import { Heap } from '../collections/heap.ts';
import { type AddressRange, type Family, rangeSize } from '../model/address.ts';
import { findRange, sortRanges } from './range-search.ts';

/** An address by its range's place in the pool and its number: pools are used up in the order they are written. */
interface Slot {
  readonly range: number;
  readonly value: bigint;
}

/**
 * Before `cursor`, what is free is in `freed`; from it on, what is used is in `ahead`; all else is used before it and
 * free from it on. So the first free address is found at once, however large and however full the space is.
 */
export interface FreeSpace {
  ranges: readonly AddressRange[];
  /** The same in ascending order, each with its place in `ranges`. */
  ascending: readonly { readonly range: AddressRange; readonly place: number }[];
  readonly avoidBuggyIPs: boolean;
  /** How many addresses can be given. */
  size: bigint;
  /** How many of them are given. */
  used: number;
  cursor: Slot;
  readonly ahead: Set<bigint>;
  readonly freed: Set<bigint>;
  /** `freed` in order, and addresses that were given again since: those are dropped when they come to the top. */
  readonly freedInOrder: Heap<Slot>;
  readonly inHeap: Set<bigint>;
}

const slotBefore = (a: Slot, b: Slot): boolean =>
  a.range < b.range || (a.range === b.range && a.value < b.value);

/** Of a pool's ranges, those of one family; undefined where there are none. */
export function createFreeSpace(
  family: Family,
  poolRanges: readonly AddressRange[],
  avoidBuggyIPs: boolean,
): FreeSpace | undefined {
  const ranges = poolRanges.filter((range) => range.first.family === family);
  const first = ranges[0];
  if (first === undefined) return undefined;
  const avoid = avoidBuggyIPs && family === 'IPv4';
  return {
    ranges,
    ascending: inOrder(ranges),
    avoidBuggyIPs: avoid,
    size: sizeOf(ranges, avoid),
    used: 0,
    cursor: { range: 0, value: first.first.value },
    ahead: new Set(),
    freed: new Set(),
    freedInOrder: new Heap(slotBefore),
    inHeap: new Set(),
  };
}

/** Adds ranges, none of which anything is used of, at the end. */
export function extendFreeSpace(space: FreeSpace, added: readonly AddressRange[]): void {
  const [first] = added;
  if (first === undefined) return;
  const place = space.ranges.length;
  // Behind all that there was, the cursor stands nowhere.
  if (space.cursor.range >= place) space.cursor = { range: place, value: first.first.value };
  space.ranges = [...space.ranges, ...added];
  space.ascending = inOrder(space.ranges);
  space.size += sizeOf(added, space.avoidBuggyIPs);
}

/** Keeps the first `count` ranges; nothing of the others may be used. */
export function cutFreeSpace(space: FreeSpace, count: number): void {
  const removed = space.ranges.slice(count);
  if (removed.length === 0) return;
  const { freed, freedInOrder, inHeap } = space;
  for (const value of freed) if (slotOf(space, value).range >= count) freed.delete(value);
  space.ranges = space.ranges.slice(0, count);
  space.ascending = inOrder(space.ranges);
  space.size -= sizeOf(removed, space.avoidBuggyIPs);
  if (space.cursor.range >= count) space.cursor = { range: count, value: 0n };
  freedInOrder.clear();
  inHeap.clear();
  for (const value of freed) {
    freedInOrder.push(slotOf(space, value));
    inHeap.add(value);
  }
}

const inOrder = (ranges: readonly AddressRange[]) =>
  sortRanges(ranges.map((range, place) => ({ range, place })));

const sizeOf = (ranges: readonly AddressRange[], avoid: boolean): bigint =>
  ranges.reduce((sum, range) => sum + rangeSize(range) - (avoid ? buggyCount(range) : 0n), 0n);

/** Of IPv4: some clients and routers take what ends in .0 or .255 for a network's or a broadcast address. */
export const isBuggy = (value: bigint): boolean => (value & 255n) === 0n || (value & 255n) === 255n;

const buggyCount = (range: AddressRange): bigint =>
  buggyUpTo(range.last.value) - buggyUpTo(range.first.value - 1n);

/** How many of 0…value end in .0 or .255; none for −1. */
const buggyUpTo = (value: bigint): bigint => (value + 256n) / 256n + (value + 1n) / 256n;

export const availableIn = (space: FreeSpace): bigint => space.size - BigInt(space.used);

/** The first free address in the order of the ranges, or undefined. Amortised O(log n) in the addresses freed. */
export function firstFree(space: FreeSpace): bigint | undefined {
  if (availableIn(space) <= 0n) return undefined;
  const { freed, freedInOrder, inHeap } = space;
  for (let slot = freedInOrder.peek(); slot !== undefined; slot = freedInOrder.peek()) {
    if (freed.has(slot.value)) return slot.value;
    freedInOrder.pop();
    inHeap.delete(slot.value);
  }
  return advance(space);
}

/** Moves the cursor to the first free address from it on and gives that, or to the end. */
function advance(space: FreeSpace): bigint | undefined {
  let { range: place, value } = space.cursor;
  for (let range = space.ranges[place]; range !== undefined; range = space.ranges[place]) {
    for (; value <= range.last.value; value += 1n) {
      if ((space.avoidBuggyIPs && isBuggy(value)) || (space.ahead.size > 0 && space.ahead.delete(value)))
        continue;
      space.cursor = { range: place, value };
      return value;
    }
    place += 1;
    value = space.ranges[place]?.first.value ?? value;
  }
  space.cursor = { range: place, value };
  return undefined;
}

/** To be told of every address of the space that is given, whoever chose it. */
export function noteUsed(space: FreeSpace, value: bigint): void {
  space.used += 1;
  const { cursor } = space;
  // The cursor may stand behind the end of its range, where another range may begin.
  const last = space.ranges[cursor.range]?.last.value ?? -1n;
  if (value === cursor.value && value <= last) space.cursor = { range: cursor.range, value: value + 1n };
  else if (slotBefore(slotOf(space, value), cursor)) space.freed.delete(value);
  else space.ahead.add(value);
}

/** To be told of every address of the space that nobody has any more. */
export function noteFreed(space: FreeSpace, value: bigint): void {
  space.used -= 1;
  const slot = slotOf(space, value);
  if (!slotBefore(slot, space.cursor)) {
    space.ahead.delete(value);
    return;
  }
  space.freed.add(value);
  if (space.inHeap.has(value)) return;
  space.freedInOrder.push(slot);
  space.inHeap.add(value);
}

function slotOf(space: FreeSpace, value: bigint): Slot {
  const place = findRange(space.ascending, value)?.place;
  if (place === undefined) throw new RangeError(`${value} is no address of this space`);
  return { range: place, value };
}
