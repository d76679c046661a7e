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
  readonly address: string;
  /** When the address came, or was last to be announced anew. */
  readonly movedAt: number;
  /** How many of the burst were sent. */
  sent: number;
}

export interface Announcer {
  /** What is ours. An entry that is not here any more is passed over wherever it still waits. */
  readonly entries: Map<string, Entry>;
  /** Entries by when they are due, in slots of `slotMilliseconds`. */
  readonly slots: Map<number, Entry[]>;
  /** Due, but held back by the rate: the first to go is the last. */
  waiting: Entry[];
  lastSlot: number;
  tokens: number;
  filledAt: number;
}

const slotMilliseconds = 10;
const slotOf = (time: number): number => Math.ceil(time / slotMilliseconds);

export const createAnnouncer = (now: number, config: AnnouncerConfig): Announcer => ({
  entries: new Map(),
  slots: new Map(),
  waiting: [],
  lastSlot: slotOf(now) - 1,
  tokens: config.burst,
  filledAt: now,
});

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
  announcer.waiting = [];
}

/**
 * The addresses to announce now, those announced least since they moved, then those asked for most, going first where the rate does not let
 * all of them go. Call it whenever `nextDue` says.
 */
export function takeDue(
  announcer: Announcer,
  now: number,
  config: AnnouncerConfig,
  asked: (address: string) => number,
): string[] {
  const { entries, slots } = announcer;
  const isOurs = (entry: Entry): boolean => entries.get(entry.address) === entry;
  const due: Entry[] = [];
  for (; announcer.lastSlot < slotOf(now); ) {
    const slot = slots.get(++announcer.lastSlot);
    if (slot === undefined) continue;
    slots.delete(announcer.lastSlot);
    for (const entry of slot) if (isOurs(entry)) due.push(entry);
  }
  const earned = ((now - announcer.filledAt) * config.ratePerSecond) / 1000;
  announcer.tokens = Math.min(config.burst, announcer.tokens + earned);
  announcer.filledAt = now;
  if (due.length > 0) {
    announcer.waiting = announcer.waiting.filter(isOurs).concat(due.reverse());
    if (announcer.waiting.length > announcer.tokens) sortByUrgency(announcer.waiting, asked);
  }
  const going: string[] = [];
  while (announcer.tokens >= 1) {
    const entry = announcer.waiting.pop();
    if (entry === undefined) break;
    if (!isOurs(entry)) continue;
    announcer.tokens--;
    going.push(entry.address);
    scheduleNext(announcer, entry, now, config);
  }
  return going;
}

/** The most urgent last; of equals, who has waited longest. Each is asked about once: a sort looks at each often. */
function sortByUrgency(entries: Entry[], asked: (address: string) => number): void {
  const requests = new Map(entries.map((entry) => [entry, asked(entry.address)]));
  const requestsFor = (entry: Entry): number => requests.get(entry) ?? 0;
  entries.sort((a, b) => b.sent - a.sent || requestsFor(a) - requestsFor(b) || b.movedAt - a.movedAt);
}

/** When `takeDue` has work again, or undefined while nothing is ours. */
export function nextDue(announcer: Announcer, config: AnnouncerConfig): number | undefined {
  // What waits for the rate goes by slots as well: one at a time would wake the process for each.
  if (announcer.waiting.length > 0) {
    return announcer.filledAt + Math.max(slotMilliseconds, 1000 / config.ratePerSecond);
  }
  let next: number | undefined;
  for (const slot of announcer.slots.keys()) next = next === undefined || slot < next ? slot : next;
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
  const entries = announcer.slots.get(due) ?? [];
  entries.push(entry);
  announcer.slots.set(due, entries);
}

/** 0–65535. */
function spread(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) & 0xffff;
  return hash;
}
