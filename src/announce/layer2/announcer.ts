// When to tell the neighbours where an address is, unasked: at once and spaced after a move, slowly ever after. Pure
// but for the state it is given; time is milliseconds of any steady clock.

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
  /** When the address came, or was last to be announced anew. */
  movedAt: number;
  /** How many of the burst were sent. */
  sent: number;
  dueSlot: number;
}

export interface Announcer {
  readonly entries: Map<string, Entry>;
  /** Addresses by when they are due, in slots of `slotMilliseconds`. */
  readonly slots: Map<number, Set<string>>;
  /** Due, but held back by the rate. An address is here or in one slot, never in both. */
  readonly waiting: Set<string>;
  lastSlot: number;
  tokens: number;
  filledAt: number;
}

const slotMilliseconds = 10;
const slotOf = (time: number): number => Math.ceil(time / slotMilliseconds);

export const createAnnouncer = (now: number, config: AnnouncerConfig): Announcer => ({
  entries: new Map(),
  slots: new Map(),
  waiting: new Set(),
  lastSlot: slotOf(now) - 1,
  tokens: config.burst,
  filledAt: now,
});

/** The address is ours from now on, or has to be announced anew (its link came up, a rival was heard). */
export function announce(announcer: Announcer, address: string, now: number): void {
  forget(announcer, address);
  announcer.entries.set(address, { movedAt: now, sent: 0, dueSlot: 0 });
  schedule(announcer, address, slotOf(now));
}

/** The address is no longer ours: nothing more is sent for it. */
export function forget(announcer: Announcer, address: string): void {
  const entry = announcer.entries.get(address);
  if (entry === undefined) return;
  const slot = announcer.slots.get(entry.dueSlot);
  slot?.delete(address);
  if (slot?.size === 0) announcer.slots.delete(entry.dueSlot);
  announcer.waiting.delete(address);
  announcer.entries.delete(address);
}

/**
 * The addresses to announce now, those that moved last or are asked for most going first where the rate does not let
 * all of them go. Call it whenever `nextDue` says.
 */
export function takeDue(
  announcer: Announcer,
  now: number,
  config: AnnouncerConfig,
  asked: (address: string) => number,
): string[] {
  const due = [...announcer.waiting];
  for (; announcer.lastSlot < slotOf(now); ) {
    const slot = announcer.slots.get(++announcer.lastSlot);
    if (slot === undefined) continue;
    announcer.slots.delete(announcer.lastSlot);
    due.push(...slot);
  }
  const earned = ((now - announcer.filledAt) * config.ratePerSecond) / 1000;
  announcer.tokens = Math.min(config.burst, announcer.tokens + earned);
  announcer.filledAt = now;
  if (due.length > announcer.tokens) {
    const sent = (address: string): number => announcer.entries.get(address)?.sent ?? 0;
    due.sort((a, b) => sent(a) - sent(b) || asked(b) - asked(a));
  }
  const going = due.slice(0, Math.floor(announcer.tokens));
  announcer.waiting.clear();
  for (const address of due.slice(going.length)) announcer.waiting.add(address);
  announcer.tokens -= going.length;
  for (const address of going) scheduleNext(announcer, address, now, config);
  return going;
}

/** When `takeDue` has work again, or undefined while nothing is ours. */
export function nextDue(announcer: Announcer, config: AnnouncerConfig): number | undefined {
  if (announcer.waiting.size > 0) return announcer.filledAt + Math.max(1, 1000 / config.ratePerSecond);
  let next: number | undefined;
  for (const slot of announcer.slots.keys()) next = next === undefined || slot < next ? slot : next;
  return next === undefined ? undefined : next * slotMilliseconds;
}

function scheduleNext(announcer: Announcer, address: string, now: number, config: AnnouncerConfig): void {
  const entry = announcer.entries.get(address);
  if (entry === undefined) return;
  entry.sent++;
  const offset = config.burstMilliseconds[entry.sent];
  // A tenth, told by the address, keeps many refreshes apart without chance.
  const early = (config.refreshMilliseconds / 10) * (spread(address) / 0x1_0000);
  const at =
    offset === undefined ? now + config.refreshMilliseconds - early : Math.max(entry.movedAt + offset, now);
  schedule(announcer, address, slotOf(at));
}

function schedule(announcer: Announcer, address: string, slot: number): void {
  const entry = announcer.entries.get(address);
  if (entry === undefined) return;
  entry.dueSlot = Math.max(slot, announcer.lastSlot + 1);
  const addresses = announcer.slots.get(entry.dueSlot) ?? new Set<string>();
  addresses.add(address);
  announcer.slots.set(entry.dueSlot, addresses);
}

/** 0–65535. */
function spread(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) & 0xffff;
  return hash;
}
