// Keeps what the peers are told in line with the World: addresses are planned as they change, a few at a time.
import type { AddressIndex } from '../../announce/address-index.ts';
import { type BgpPlanContext, planBgpAddress } from '../../announce/bgp/plan.ts';
import type { RouteTable } from '../../announce/bgp/route-table.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import { startTimeSlice } from '../time-slice.ts';

export interface RoutePlanner {
  /** Plans these addresses again: at once, if they are few. */
  touch(addresses: Iterable<Address>): void;
}

export interface RoutePlannerOptions {
  readonly index: AddressIndex;
  readonly table: RouteTable;
  readonly context: () => BgpPlanContext;
  /** The address is offered now, or no more, or otherwise. */
  readonly planned: (address: Address) => void;
  /** All that was touched is planned. */
  readonly idle: () => void;
  readonly signal: AbortSignal;
}

export function createRoutePlanner(options: RoutePlannerOptions): RoutePlanner {
  const { index, table, signal } = options;
  const dirty = new Map<string, Address>();
  let isPlanning = false;

  const planDirty = async (): Promise<void> => {
    isPlanning = true;
    const slice = startTimeSlice();
    for (const [text, address] of dirty) {
      dirty.delete(text);
      const before = table.offersOf(text);
      const { offers } = planBgpAddress(options.context(), address, index.servicesOf(address));
      table.set(text, offers);
      if (before.length + offers.length > 0) options.planned(address);
      if (!slice.isOver()) continue;
      await slice.next();
      if (signal.aborted) return;
    }
    isPlanning = false;
    options.idle();
  };

  return {
    touch(addresses) {
      for (const address of addresses) dirty.set(formatAddress(address), address);
      if (!isPlanning) void planDirty();
    },
  };
}
