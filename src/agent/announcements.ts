// The table that pulse elects from: planned address by address, and sent as what changed.
import type { AddressIndex } from '../announce/address-index.ts';
import { type AddressPlan, planAddress } from '../announce/plan.ts';
import type { IsHealthy } from '../announce/usable-endpoints.ts';
import { type Address, formatAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import { addressOfKey, holdingKey } from '../model/share.ts';
import type { World } from '../model/world.ts';
import type { LinkAddress, ToPulse } from '../pulse/link.ts';
import { startTimeSlice, type TimeSlice } from './time-slice.ts';

export interface AnnouncementsOptions {
  readonly world: World;
  readonly index: AddressIndex;
  readonly isHealthy: IsHealthy;
  /** The kernel has been told where the Service's packets go. */
  readonly isForwarded: (service: ServiceKey) => boolean;
  /** Pulse answers for it already, or for a share of it. */
  readonly isOwned: (address: string) => boolean;
  readonly send: (message: ToPulse) => void;
  readonly signal: AbortSignal;
  /** How long work is cut; tests cut it elsewhere. */
  readonly startSlice?: () => TimeSlice;
}

export interface Announcements {
  /** These addresses are planned again and what changed is sent, before the event loop's next turn if they are few. */
  touch(addresses: Iterable<Address>): void;
  /** The Service's packets are forwarded from now on: its addresses may be announced. */
  forwarded(service: ServiceKey): void;
  /** All is forwarded that can be: from now on this node may take addresses from others. */
  complete(): void;
  /** Pulse is there and has told what it owns: it gets the whole table, once there is one. */
  linked(): void;
  unlinked(): void;
  /** Addresses in the table. */
  readonly size: number;
}

/**
 * An address enters the table when this node forwards its packets, so that who comes at once is served at once; or
 * when pulse answers for it already, left so by the agent before: then taking it out would be the only harm.
 */
export function createAnnouncements(options: AnnouncementsOptions): Announcements {
  const {
    world,
    index,
    isHealthy,
    isForwarded,
    isOwned,
    send,
    signal,
    startSlice = startTimeSlice,
  } = options;
  const dirty = new Map<string, Address>();
  const planned = new Map<string, { readonly address: Address; readonly entries: Entries }>();
  const table = new Map<string, Entries>();
  /** The keys that pulse has not been told of yet. */
  const changed = new Set<string>();
  let isLinked = false;
  /** All addresses have been planned once. */
  let isWhole = false;
  let needsWhole = false;
  let isComplete = false;
  /** Pulse has heard that the table is complete. */
  let isCompleteTold = false;
  let isPlanning = false;

  const mayEnter = (text: string, address: Address): boolean =>
    table.has(text) || isOwned(text) || [...index.servicesOf(address)].some(isForwarded);

  const refresh = (text: string, address: Address): void => {
    const before = table.get(text) ?? [];
    const after = mayEnter(text, address) ? (planned.get(text)?.entries ?? []) : [];
    for (const [index, entry] of after.entries())
      if (!isSame(before[index], entry)) changed.add(entry.address);
    // Spread from now on, or no more.
    if (before[0]?.address !== after[0]?.address) for (const gone of before) changed.add(gone.address);
    if (after.length === 0) table.delete(text);
    else table.set(text, after);
  };

  const plan = (text: string, address: Address): void => {
    const entries = entriesOf(text, planAddress(world, address, index.servicesOf(address), isHealthy));
    if (entries.length === 0) planned.delete(text);
    else planned.set(text, { address, entries });
    refresh(text, address);
  };

  const planDirty = async (): Promise<void> => {
    isPlanning = true;
    const slice = startSlice();
    for (const [text, address] of dirty) {
      dirty.delete(text);
      plan(text, address);
      if (!slice.isOver()) continue;
      flush();
      await slice.next();
      if (signal.aborted) return;
    }
    isPlanning = false;
    isWhole = true;
    flush();
  };

  const flush = (): void => {
    const isNews = changed.size > 0 || needsWhole || isComplete !== isCompleteTold;
    if (!isLinked || !isWhole || !isNews) return;
    const entryOf = (key: string): LinkAddress | undefined =>
      table.get(addressOfKey(key))?.find((entry) => entry.address === key);
    const upserts = needsWhole
      ? [...table.values()].flat()
      : [...changed].flatMap((key) => entryOf(key) ?? []);
    const removals = needsWhole ? [] : [...changed].filter((key) => entryOf(key) === undefined);
    const partial = isComplete ? {} : { isPartial: true };
    send({ type: 'announce', replace: needsWhole, upserts, removals, ...partial });
    isCompleteTold = isComplete;
    changed.clear();
    needsWhole = false;
  };

  return {
    touch(addresses) {
      for (const address of addresses) dirty.set(formatAddress(address), address);
      if (!isPlanning) void planDirty();
    },
    forwarded(service) {
      for (const address of index.addressesOf(service)) refresh(formatAddress(address), address);
      flush();
    },
    complete() {
      isComplete = true;
      flush();
    },
    linked() {
      isLinked = true;
      needsWhole = true;
      for (const [text, { address }] of planned) refresh(text, address);
      flush();
    },
    unlinked() {
      isLinked = false;
    },
    get size() {
      return table.size;
    },
  };
}

/** Of one address: one for all of it, or one for each share in their order, where it is spread. */
type Entries = readonly LinkAddress[];

function entriesOf(text: string, { candidates, shares }: AddressPlan): Entries {
  if (candidates.length === 0) return [];
  return shares === undefined
    ? [{ address: text, candidates }]
    : shares.map((order, share) => ({ address: holdingKey(text, share), candidates: order }));
}

const isSame = (a: LinkAddress | undefined, b: LinkAddress): boolean =>
  a !== undefined &&
  a.address === b.address &&
  a.candidates.length === b.candidates.length &&
  a.candidates.every(({ node, interfaces }, rank) => {
    const other = b.candidates[rank];
    return node === other?.node && interfaces.join() === other.interfaces.join();
  });
