// When to tell the neighbours where an address is, unasked: at once and spaced after a move, slowly ever after. Pure
// but for the state it is given; time is milliseconds of any steady clock.
import { Heap } from '../../collections/heap.ts';

export interface AnnouncerConfig {
  /** After a move, in milliseconds from it: neighbours and switches that missed one heed the next. */
  readonly burstMilliseconds: readonly number[];
  /** Between refreshes, less up to a tenth: switch tables age in 300 s. */
  readonly refreshMilliseconds: number;
  /** Announcements a second in the long run, and how many may go at once: switches drop greater bursts. */
  readonly ratePerSecond: number;
  readonly burst: number;
}

export const defaultAnnouncerConfig: AnnouncerConfig = {
  burstMilliseconds: [0, 100, 1100, 2200, 3300, 4400],
  refreshMilliseconds: 60_000,
  ratePerSecond: 2000,
  burst: 400,
};

interface Entry {
  readonly address: string;
  /** When the address came, or was last to be announced anew. */
  readonly movedAt: number;
  /** How many of the burst were sent. */
  sent: number;
}

/** An entry that is due, but held back by the rate. */
interface Waiting {
  readonly entry: Entry;
  /** What was asked for the address when it became due. */
  readonly requests: number;
}

export interface Announcer {
  /** What is ours. An entry that is not here any more is passed over wherever it still waits. */
  readonly entries: Map<string, Entry>;
  /** Entries by when they are due, in slots of `slotMilliseconds`. */
  readonly slots: Map<number, Entry[]>;
  /** The slots that have entries, the next first. */
  readonly order: Heap<number>;
  /** The most urgent first. */
  readonly waiting: Heap<Waiting>;
  lastSlot: number;
  tokens: number;
  filledAt: number;
}

const slotMilliseconds = 10;
const slotOf = (time: number): number => Math.ceil(time / slotMilliseconds);

export const createAnnouncer = (now: number, config: AnnouncerConfig): Announcer => ({
  entries: new Map(),
  slots: new Map(),
  order: new Heap((a, b) => a < b),
  waiting: new Heap(isMoreUrgent),
  lastSlot: slotOf(now) - 1,
  tokens: config.burst,
  filledAt: now,
});

/** Announced less often since it moved; then asked for more; of equals, who has waited longest. */
function isMoreUrgent(a: Waiting, b: Waiting): boolean {
  if (a.entry.sent !== b.entry.sent) return a.entry.sent < b.entry.sent;
  if (a.requests !== b.requests) return a.requests > b.requests;
  return a.entry.movedAt < b.entry.movedAt;
}

/** The address is ours from now on, or has to be announced anew (its link came up, a rival was heard). */
export function announce(announcer: Announcer, address: string, now: number): void {
  const entry = { address, movedAt: now, sent: 0 };
  announcer.entries.set(address, entry);
  schedule(announcer, entry, slotOf(now));
}

/** The address is no longer ours: nothing more is sent for it. */
export function forget(announcer: Announcer, address: string): void {
  announcer.entries.delete(address);
  if (announcer.entries.size > 0) return;
  announcer.slots.clear();
  announcer.order.clear();
  announcer.waiting.clear();
}

/**
 * The addresses to announce now. Where the rate does not let all go, those go first that were announced least since
 * they moved, then those asked for most. Call it whenever `nextDue` says.
 */
export function takeDue(
  announcer: Announcer,
  now: number,
  config: AnnouncerConfig,
  asked: (address: string) => number,
): string[] {
  const { entries, slots, order, waiting } = announcer;
  const isOurs = (entry: Entry): boolean => entries.get(entry.address) === entry;
  announcer.lastSlot = Math.max(announcer.lastSlot, slotOf(now));
  for (let slot = order.peek(); slot !== undefined && slot <= announcer.lastSlot; slot = order.peek()) {
    order.pop();
    for (const entry of slots.get(slot) ?? []) {
      if (isOurs(entry)) waiting.push({ entry, requests: asked(entry.address) });
    }
    slots.delete(slot);
  }
  const earned = ((now - announcer.filledAt) * config.ratePerSecond) / 1000;
  announcer.tokens = Math.min(config.burst, announcer.tokens + earned);
  announcer.filledAt = now;
  const going: string[] = [];
  while (announcer.tokens >= 1) {
    const entry = waiting.pop()?.entry;
    if (entry === undefined) break;
    if (!isOurs(entry)) continue;
    announcer.tokens--;
    going.push(entry.address);
    scheduleNext(announcer, entry, now, config);
  }
  return going;
}

/** When `takeDue` has work again, or undefined while nothing is ours. */
export function nextDue(announcer: Announcer, config: AnnouncerConfig): number | undefined {
  // What waits for the rate goes by slots as well: one at a time would wake the process for each.
  if (announcer.waiting.size > 0) {
    return announcer.filledAt + Math.max(slotMilliseconds, 1000 / config.ratePerSecond);
  }
  const next = announcer.order.peek();
  return next === undefined ? undefined : next * slotMilliseconds;
}

function scheduleNext(announcer: Announcer, entry: Entry, now: number, config: AnnouncerConfig): void {
  entry.sent++;
  const offset = config.burstMilliseconds[entry.sent];
  // A tenth, told by the address, keeps many refreshes apart without chance.
  const early = (config.refreshMilliseconds / 10) * (spread(entry.address) / 0x1_0000);
  const at =
    offset === undefined ? now + config.refreshMilliseconds - early : Math.max(entry.movedAt + offset, now);
  schedule(announcer, entry, slotOf(at));
}

function schedule(announcer: Announcer, entry: Entry, slot: number): void {
  const due = Math.max(slot, announcer.lastSlot + 1);
  const entries = announcer.slots.get(due);
  if (entries !== undefined) {
    entries.push(entry);
    return;
  }
  announcer.slots.set(due, [entry]);
  announcer.order.push(due);
}

/** 0–65535. */
function spread(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) & 0xffff;
  return hash;
}
