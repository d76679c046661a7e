// The table that pulse elects from: planned address by address, and sent as what changed.
import type { AddressIndex } from '../announce/address-index.ts';
import { type IsHealthy, planAddress } from '../announce/plan.ts';
import { type Address, formatAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import type { World } from '../model/world.ts';
import type { LinkAddress, ToPulse } from '../pulse/link.ts';
import { startTimeSlice, type TimeSlice } from './time-slice.ts';

export interface AnnouncementsOptions {
  readonly world: World;
  readonly index: AddressIndex;
  readonly isHealthy: IsHealthy;
  /** The kernel has been told where the Service's packets go. */
  readonly isForwarded: (service: ServiceKey) => boolean;
  /** Pulse answers for it already. */
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
  const planned = new Map<string, { readonly address: Address; readonly entry: LinkAddress }>();
  const table = new Map<string, LinkAddress>();
  /** What pulse has not been told of yet. */
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
    const wanted = planned.get(text)?.entry;
    if (wanted !== undefined && mayEnter(text, address)) {
      if (isSame(table.get(text), wanted)) return;
      table.set(text, wanted);
      changed.add(text);
    } else if (table.delete(text)) {
      changed.add(text);
    }
  };

  const plan = (text: string, address: Address): void => {
    const { candidates } = planAddress(world, address, index.servicesOf(address), isHealthy);
    if (candidates.length === 0) planned.delete(text);
    else planned.set(text, { address, entry: { address: text, candidates } });
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
    const told = needsWhole ? [...table.keys()] : [...changed];
    const upserts = told.flatMap((text) => table.get(text) ?? []);
    const removals = needsWhole ? [] : told.filter((text) => !table.has(text));
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

const isSame = (a: LinkAddress | undefined, b: LinkAddress): boolean =>
  a !== undefined &&
  a.candidates.length === b.candidates.length &&
  a.candidates.every(({ node, interfaces }, rank) => {
    const other = b.candidates[rank];
    return node === other?.node && interfaces.join() === other.interfaces.join();
  });
