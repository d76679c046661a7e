// Metrics of the allocator, under the names that dashboards and alerts already use, and how many Services wait for what.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { FamilyUsage, PoolUsage } from '../ipam/usage.ts';

export interface AllocatorView {
  readonly pools: readonly PoolUsage[];
  /** By the kind of the reason. */
  readonly waiting: ReadonlyMap<string, number>;
}

export interface ControllerMetrics {
  /** From now on the metrics are read from here when they are scraped. */
  observe(view: () => AllocatorView): void;
  statusNotWritten(): void;
}

type Read = (usage: PoolUsage) => bigint;

const total = (field: keyof FamilyUsage): Read => {
  return ({ families }) => families.IPv4[field] + families.IPv6[field];
};

const poolGauges: readonly { readonly name: string; readonly help: string; readonly read: Read }[] = [
  {
    name: 'metallb_allocator_addresses_total',
    help: 'Addresses that the pool can give.',
    read: total('size'),
  },
  {
    name: 'metallb_allocator_ipv4_addresses_total',
    help: 'IPv4 addresses that the pool can give.',
    read: ({ families }) => families.IPv4.size,
  },
  {
    name: 'metallb_allocator_ipv6_addresses_total',
    help: 'IPv6 addresses that the pool can give.',
    read: ({ families }) => families.IPv6.size,
  },
  {
    name: 'metallb_allocator_addresses_in_use_total',
    help: 'Addresses of the pool that Services have; a shared one counts once.',
    read: total('inUse'),
  },
  {
    name: 'metallb_allocator_ipv4_addresses_in_use_total',
    help: 'IPv4 addresses of the pool that Services have; a shared one counts once.',
    read: ({ families }) => families.IPv4.inUse,
  },
  {
    name: 'metallb_allocator_ipv6_addresses_in_use_total',
    help: 'IPv6 addresses of the pool that Services have; a shared one counts once.',
    read: ({ families }) => families.IPv6.inUse,
  },
  {
    name: 'metallb_allocator_services_allocated_total',
    help: 'Services that have an address of the pool.',
    read: ({ services }) => BigInt(services),
  },
];

export function createControllerMetrics(registry: Registry): ControllerMetrics {
  const registers = [registry];
  let read: () => AllocatorView = () => ({ pools: [], waiting: new Map() });
  for (const { name, help, read: readPool } of poolGauges) {
    new Gauge({
      name,
      help,
      labelNames: ['pool'] as const,
      registers,
      collect() {
        this.reset();
        for (const usage of read().pools) this.set({ pool: usage.pool }, Number(readPool(usage)));
      },
    });
  }
  new Gauge({
    name: 'gantry_services_waiting',
    help: 'Services that wait for an address, or for a second one, by the reason.',
    labelNames: ['reason'] as const,
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of read().waiting) this.set({ reason }, count);
    },
  });
  const statusErrors = new Counter({
    name: 'gantry_status_write_errors_total',
    help: 'Attempts to write a status that failed.',
    registers,
  });
  return {
    observe(view) {
      read = view;
    },
    statusNotWritten: () => statusErrors.inc(),
  };
}
