// Writes statuses in the background: the newest of each object, several objects at once, again until it is done, and
// never so that two written statuses claim one address against the plan, even for an instant.
import type { Clock } from './clock.ts';

/** What an object's status is to be. */
export interface DesiredStatus {
  /** The addresses that it says the object has, in a form that can be compared. */
  readonly claims: readonly string[];
  /** Writes it with those of the claims alone; resolves when it is durable. */
  write(claims: readonly string[]): Promise<void>;
}

export interface StatusWriterOptions {
  readonly clock: Clock;
  /** How many may be under way at once. */
  readonly parallelWrites?: number;
  /** An attempt failed; the next is made by itself. `attempt` counts from 1. */
  readonly failed: (id: string, error: unknown, attempt: number) => void;
  /** An object that had failed was written after all. */
  readonly recovered: (id: string) => void;
}

/**
 * What `write` rejects with where the object has changed since it was decided about: the change is on its way here, and
 * with it another decision, perhaps. It is no failure unless it goes on.
 */
export class StaleDecision extends Error {
  constructor() {
    super('The object changes all the time, so that no status of it can be written.');
  }
}

const defaultParallelWrites = 16;
const staleRetryMilliseconds = 20;
/** So many times in a row it is waited for without a word. */
const patientRetries = 6;
const firstRetryMilliseconds = 100;
const lastRetryMilliseconds = 30_000;

interface Entry {
  readonly id: string;
  /** What the written status claims; while a write is under way, what it may claim before or after. */
  written: readonly string[];
  desired: DesiredStatus | undefined;
  state: 'done' | 'queued' | 'blocked' | 'writing' | 'retrying';
  /** In a row. */
  failures: number;
  /** How many of them were told of. */
  told: number;
}

/**
 * An address goes from one object to another in two writes: the first object's status gives it up durably before the
 * second's claims it. So after a crash at any instant the statuses tell whose it is. Two that swap addresses both give
 * theirs up first.
 */
export class StatusWriter implements AsyncDisposable {
  readonly #options: StatusWriterOptions;
  readonly #entries = new Map<string, Entry>();
  /** Who claims an address by what is written. */
  readonly #claimants = new Map<string, readonly Entry[]>();
  readonly #queue = new Set<Entry>();
  /** Those that wait until the key's status gives something up. */
  readonly #blocked = new Map<Entry, Set<Entry>>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #closed = new AbortController();
  #isHeld = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** What an object's status claimed before this process wrote any; of no effect after that. */
  assume(id: string, claims: readonly string[]): void {
    if (!this.#entries.has(id)) this.#setWritten(this.#entry(id), claims);
  }

  /** From now on writes are taken and none begins, until `release`: for all that belongs to one plan. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  put(id: string, desired: DesiredStatus): void {
    const entry = this.#entry(id);
    entry.desired = desired;
    if (entry.state === 'done' || entry.state === 'blocked') this.#enqueue(entry);
    this.#wakeBlockedBy(entry);
    this.#pump();
  }

  /** Resolves once nothing is under way or queued; what waits for a retry does not count. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Begins no further write, and waits for those under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#queue.clear();
    await this.idle();
  }

  #entry(id: string): Entry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const entry: Entry = { id, written: [], desired: undefined, state: 'done', failures: 0, told: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  #enqueue(entry: Entry): void {
    entry.state = 'queued';
    this.#queue.add(entry);
  }

  #pump(): void {
    const { parallelWrites: most = defaultParallelWrites } = this.#options;
    for (const entry of this.#queue) {
      if (this.#isHeld || this.#underWay.size >= most || this.#closed.signal.aborted) return;
      this.#queue.delete(entry);
      const { desired } = entry;
      const claims = desired && this.#claimsNow(entry, desired);
      if (desired === undefined || claims === undefined) continue;
      entry.state = 'writing';
      const done = this.#write(entry, desired, claims).finally(() => {
        this.#underWay.delete(done);
        this.#pump();
      });
      this.#underWay.add(done);
    }
  }

  /** All that is desired; or, while others have yet to give up some of it, what is left after giving up its own. */
  #claimsNow(entry: Entry, desired: DesiredStatus): readonly string[] | undefined {
    const blockers = this.#blockersOf(entry, desired);
    if (blockers.length === 0) return desired.claims;
    const kept = entry.written.filter((claim) => desired.claims.includes(claim));
    if (kept.length < entry.written.length) return kept;
    entry.state = 'blocked';
    for (const blocker of blockers) {
      const waiting = this.#blocked.get(blocker);
      if (waiting === undefined) this.#blocked.set(blocker, new Set([entry]));
      else waiting.add(entry);
    }
    return undefined;
  }

  #blockersOf(entry: Entry, desired: DesiredStatus): Entry[] {
    const blockers: Entry[] = [];
    for (const claim of desired.claims) {
      if (entry.written.includes(claim)) continue;
      for (const other of this.#claimants.get(claim) ?? []) {
        const givesUp = other.desired !== undefined && !other.desired.claims.includes(claim);
        if (other !== entry && givesUp) blockers.push(other);
      }
    }
    return blockers;
  }

  async #write(entry: Entry, desired: DesiredStatus, claims: readonly string[]): Promise<void> {
    this.#setWritten(entry, [...new Set([...entry.written, ...claims])]);
    try {
      await desired.write(claims);
    } catch (error) {
      this.#retryLater(entry, error);
      return;
    }
    if (entry.told > 0) this.#options.recovered(entry.id);
    entry.told = 0;
    entry.failures = 0;
    this.#setWritten(entry, claims);
    if (entry.desired !== desired || claims.length < desired.claims.length) this.#enqueue(entry);
    else entry.state = 'done';
    this.#wakeBlockedBy(entry);
    if (entry.state === 'done' && claims.length === 0) this.#entries.delete(entry.id);
  }

  #retryLater(entry: Entry, error: unknown): void {
    entry.failures += 1;
    entry.state = 'retrying';
    const isStale = error instanceof StaleDecision;
    if (!isStale || entry.failures > patientRetries) {
      entry.told += 1;
      this.#options.failed(entry.id, error, entry.told);
    }
    const first = isStale ? staleRetryMilliseconds : firstRetryMilliseconds;
    const delay = Math.min(first * 2 ** (entry.failures - 1), lastRetryMilliseconds);
    void this.#options.clock.sleep(delay, this.#closed.signal).then(() => {
      this.#enqueue(entry);
      this.#pump();
    });
  }

  #wakeBlockedBy(entry: Entry): void {
    const waiting = this.#blocked.get(entry);
    if (waiting === undefined) return;
    this.#blocked.delete(entry);
    for (const other of waiting) if (other.state === 'blocked') this.#enqueue(other);
  }

  #setWritten(entry: Entry, claims: readonly string[]): void {
    for (const claim of entry.written) {
      const others = this.#claimants.get(claim)?.filter((other) => other !== entry) ?? [];
      if (others.length === 0) this.#claimants.delete(claim);
      else this.#claimants.set(claim, others);
    }
    entry.written = claims;
    for (const claim of claims) this.#claimants.set(claim, [...(this.#claimants.get(claim) ?? []), entry]);
  }
}
