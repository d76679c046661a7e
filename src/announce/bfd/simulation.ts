// Two speakers of BFD and a link that loses, delays and reorders, on a virtual clock and from a seed: for tests.
import { Heap } from '../../collections/heap.ts';
import { type Address, addressToBytes } from '../../model/address.ts';
import { writeControlPacket } from './message.ts';
import type { SessionSettings } from './session.ts';
import { type BfdTable, createBfdTable, type Entry } from './table.ts';

export interface Link {
  lossPercent: number;
  leastDelay: number;
  mostDelay: number;
  /** Packets may overtake each other. */
  reorders: boolean;
}

export interface Speaker {
  readonly table: BfdTable;
  readonly entry: Entry;
  configure(settings: SessionSettings): void;
  /** It does nothing until then, and what comes meanwhile waits for it; or, where the machine stands still, is lost. */
  stall(milliseconds: number, losesPackets?: boolean): void;
  /** When its session went from up to another state, and why. */
  readonly downs: { readonly at: number; readonly diagnostic: number }[];
}

/** A generator of numbers in [0, 1): the same ones for the same seed (xorshift32). */
export function seeded(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const addresses: readonly [Address, Address] = [
  { family: 'IPv4', value: 0xc0000201n },
  { family: 'IPv4', value: 0xc0000202n },
];

/** How late a timer may be for the operating system's reasons. */
const timerLatenessMilliseconds = 2;

export class Simulation {
  now = 0;
  readonly link: Link = { lossPercent: 0, leastDelay: 0.1, mostDelay: 1, reorders: false };
  readonly speakers: readonly [Speaker, Speaker];
  readonly #random: () => number;
  readonly #due = new Heap<{ readonly at: number; readonly run: () => void }>((a, b) => a.at < b.at);

  constructor(seed: number, settings: readonly [SessionSettings, SessionSettings]) {
    this.#random = seeded(seed);
    this.speakers = [this.#speaker(0, settings[0]), this.#speaker(1, settings[1])];
  }

  get isUp(): boolean {
    return this.speakers.every(({ entry }) => entry.session.state === 'up');
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + this.#random() * (high - low);
  }

  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let next = this.#due.peek(); next !== undefined && next.at <= end; next = this.#due.peek()) {
      this.#due.pop();
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  #at(at: number, run: () => void): void {
    this.#due.push({ at, run });
  }

  #speaker(index: 0 | 1, settings: SessionSettings): Speaker {
    const wanted = (of: SessionSettings) => ({
      peer: addresses[1 - index] as Address,
      local: addresses[index],
      interfaceName: 'eth0',
      isMultihop: false,
      settings: of,
      minimumTtl: 254,
    });
    const downs: Speaker['downs'] = [];
    const queue: Uint8Array[] = [];
    let before = 'down';
    let frozenUntil = 0;
    let isLosing = false;
    let stalled = 0;
    let wokenFor = Number.POSITIVE_INFINITY;

    const table = createBfdTable({
      random: this.#random,
      apply: (entry, effect) => {
        if (effect.kind === 'send') this.#carry(index, writeControlPacket(effect.packet));
        const { state, diagnostic } = entry.session;
        if (effect.kind !== 'changed' || state === before) return;
        if (before === 'up') downs.push({ at: this.now, diagnostic });
        before = state;
      },
    });
    const arrival = {
      isMultihop: false,
      source: addressToBytes(addresses[1 - index] as Address),
      destination: addressToBytes(addresses[index] as Address),
      interfaceName: 'eth0',
      ttl: 255,
    };
    /** As the shell does: first what has come, then what is due, by the look at the clock before both. */
    const work = (): void => {
      for (const bytes of queue.splice(0)) table.receive(bytes, arrival, { at: this.now, stalled });
      table.advance({ at: this.now, stalled });
      plan();
    };
    const plan = (): void => {
      const next = Math.max(this.now, table.nextDue());
      if (next >= wokenFor) return;
      wokenFor = next;
      this.#at(next + this.#random() * timerLatenessMilliseconds, () => wake(next));
    };
    const wake = (due: number): void => {
      if (due !== wokenFor) return;
      if (this.now < frozenUntil) {
        this.#at(frozenUntil, () => wake(due));
        return;
      }
      wokenFor = Number.POSITIVE_INFINITY;
      stalled += Math.max(0, this.now - due - timerLatenessMilliseconds);
      work();
    };
    this.#receivers[index] = (bytes) => {
      if (this.now < frozenUntil) {
        if (!isLosing) queue.push(bytes);
        return;
      }
      queue.push(bytes);
      work();
    };
    const configure = (of: SessionSettings): void => {
      table.configure([wanted(of)], { at: this.now, stalled });
      plan();
    };
    configure(settings);
    const entry = [...table.entries.values()][0] as Entry; // it was configured
    return {
      table,
      entry,
      downs,
      configure,
      stall: (milliseconds, losesPackets = false) => {
        frozenUntil = this.now + milliseconds;
        isLosing = losesPackets;
      },
    };
  }

  readonly #receivers: ((bytes: Uint8Array) => void)[] = [];

  /** By direction, when the last packet arrives. */
  readonly #lastArrivals = [0, 0];

  #carry(from: 0 | 1, bytes: Uint8Array): void {
    const { lossPercent, leastDelay, mostDelay, reorders } = this.link;
    if (this.#random() * 100 < lossPercent) return;
    const arrival = this.now + this.between(leastDelay, mostDelay);
    const at = reorders ? arrival : Math.max(arrival, (this.#lastArrivals[from] ?? 0) + 0.001);
    this.#lastArrivals[from] = at;
    this.#at(at, () => this.#receivers[1 - from]?.(bytes));
  }
}
