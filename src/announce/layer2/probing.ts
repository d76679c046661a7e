// Finds out who uses the free addresses of pools, by probing them ahead of use (RFC 5227 §2.1; RFC 4862 §5.4 for IPv6).
//
// A machine without a clock: it is told the time. One answer makes nobody a stranger, since it may be a node of ours that
// was given the address a moment ago: who answers again some seconds later is one.
import type { Address } from '../../model/address.ts';
import type { Stranger } from '../../model/address-probe.ts';

export interface ProbeTarget {
  readonly address: Address;
  /** The interface of this node whose link it is on. */
  readonly interface: string;
  /** Its clearness is of interest: its pool waits for it. */
  readonly isAwaited: boolean;
  /** Who was found to use it, by this node before it restarted or by another whose share it was. */
  readonly found?: Pick<Stranger, 'mac' | 'since'> | undefined;
}

/** A frame to be sent: "who has it?", from nobody. */
export type Probe = Pick<ProbeTarget, 'address' | 'interface'>;

export interface Probing {
  /** These are probed from now on, the first ones first, and no others. What is known of them stays. */
  want(targets: readonly ProbeTarget[]): void;
  /** The address was said to be at this MAC, which is none of this node's. */
  heard(address: Address, mac: string, now: number): void;
  /** Nobody could be heard in the rounds under way: they say nothing, and begin again soon. */
  wasDeaf(now: number): void;
  /** What to send now. To be called every `tickMilliseconds` while `isBusy`, and at least every few seconds. */
  tick(now: number): Probe[];
  /** A round is under way, so answers must be listened for. */
  readonly isBusy: boolean;
  /** Interfaces on which a round is under way. */
  readonly interfaces: ReadonlySet<string>;
  readonly strangers: readonly Stranger[];
  /** Awaited addresses that nobody answered for. */
  readonly clear: readonly Address[];
}

export const tickMilliseconds = 100;
/** Twenty a second. */
const probesPerTick = 2;

// RFC 5227 §1.1.
const probeNumber = 3;
const probeMinimumMilliseconds = 1000;
const probeMaximumMilliseconds = 2000;
const announceWaitMilliseconds = 2000;

/** By then the World here knows of an address that was just given to a Service. */
const suspicionMilliseconds = 3000;
const clearMilliseconds = 600_000;
const strangerMilliseconds = 20_000;
/** One who was silent is asked again so soon, and is gone when he is silent again. */
const silenceMilliseconds = 5000;
const silentRounds = 2;

interface Entry {
  target: ProbeTarget;
  /** Milliseconds of `now`: when the next probe is due, or the next round. */
  dueAt: number;
  /** Probes of this round; undefined: no round is under way. */
  sent: number | undefined;
  isSuspect: boolean;
  isClear: boolean;
  stranger: { readonly mac: string; readonly since: string; silent: number } | undefined;
}

/** `random` is in [0, 1); `timeOf` tells the time of day (RFC 3339) of a `now`. */
export function createProbing(random: () => number, timeOf: (now: number) => string): Probing {
  let entries = new Map<string, Entry>();
  const keyOf = ({ family, value }: Address): string => `${family} ${value}`;

  const endRound = (entry: Entry, dueAt: number): void => {
    entry.sent = undefined;
    entry.dueAt = dueAt;
  };

  /** Nobody has answered in this round. */
  const fallSilent = (entry: Entry, now: number): void => {
    const { stranger } = entry;
    entry.isSuspect = false;
    if (stranger !== undefined) {
      stranger.silent += 1;
      if (stranger.silent < silentRounds) {
        endRound(entry, now + silenceMilliseconds);
        return;
      }
      entry.stranger = undefined;
    }
    entry.isClear = true;
    endRound(entry, now + clearMilliseconds * (0.75 + random() / 4));
  };

  const advance = (entry: Entry, now: number): boolean => {
    const sent = entry.sent ?? 0;
    if (sent === probeNumber) {
      fallSilent(entry, now);
      return false;
    }
    entry.sent = sent + 1;
    const spread = probeMaximumMilliseconds - probeMinimumMilliseconds;
    const isLast = entry.sent === probeNumber;
    entry.dueAt = now + (isLast ? announceWaitMilliseconds : probeMinimumMilliseconds + random() * spread);
    return true;
  };

  const busy = (): Entry[] => [...entries.values()].filter(({ sent }) => sent !== undefined);

  return {
    want(targets) {
      const next = new Map<string, Entry>();
      for (const target of targets) {
        const known = entries.get(keyOf(target.address));
        if (known?.target.interface === target.interface) known.target = target;
        next.set(
          keyOf(target.address),
          known?.target === target
            ? known
            : {
                target,
                dueAt: 0,
                sent: undefined,
                isSuspect: false,
                isClear: false,
                stranger: target.found === undefined ? undefined : { ...target.found, silent: 0 },
              },
        );
      }
      entries = next;
    },
    heard(address, mac, now) {
      const entry = entries.get(keyOf(address));
      if (entry === undefined) return;
      entry.isClear = false;
      if (entry.stranger !== undefined || (entry.isSuspect && entry.sent !== undefined)) {
        const since = entry.stranger?.since ?? timeOf(now);
        entry.stranger = { mac, since, silent: 0 };
        entry.isSuspect = false;
        endRound(entry, now + strangerMilliseconds);
      } else if (!entry.isSuspect) {
        entry.isSuspect = true;
        endRound(entry, now + suspicionMilliseconds);
      }
    },
    wasDeaf(now) {
      for (const entry of busy()) endRound(entry, now + silenceMilliseconds);
    },
    tick(now) {
      const probes: Probe[] = [];
      for (const entry of entries.values()) {
        if (entry.dueAt > now) continue;
        if (probes.length === probesPerTick && entry.sent !== probeNumber) continue;
        if (advance(entry, now)) probes.push(entry.target);
      }
      return probes;
    },
    get isBusy() {
      return busy().length > 0;
    },
    get interfaces() {
      return new Set(busy().map(({ target }) => target.interface));
    },
    get strangers() {
      return [...entries.values()].flatMap(({ target, stranger }) =>
        stranger === undefined
          ? []
          : {
              address: target.address,
              mac: stranger.mac,
              interface: target.interface,
              since: stranger.since,
            },
      );
    },
    get clear() {
      return [...entries.values()].flatMap(({ target, isClear }) =>
        target.isAwaited && isClear ? target.address : [],
      );
    },
  };
}
