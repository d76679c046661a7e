// Writes to each pool's status how much of it is in use, when that changed.
import { poolStatus } from '../api/status.ts';
import type { PoolUsage } from '../ipam/usage.ts';
import type { StatusPort } from '../model/status.ts';
import type { StatusWriter } from './status-writer.ts';

export class PoolStatuses {
  readonly #writer: StatusWriter;
  readonly #status: StatusPort;
  /** The counts that each pool's status says. */
  readonly #said = new Map<string, string>();

  constructor(writer: StatusWriter, status: StatusPort) {
    this.#writer = writer;
    this.#status = status;
  }

  /** Pools that have a status already: it is removed unless they are reported. */
  adopt(pools: readonly string[]): void {
    for (const pool of pools) this.#said.set(pool, '');
  }

  /** `usages` are those of all pools. */
  report(usages: readonly PoolUsage[]): void {
    const names = new Set(usages.map(({ pool }) => pool));
    for (const usage of usages) {
      const { IPv4, IPv6 } = usage.families;
      const counts = [IPv4.inUse, IPv6.inUse, IPv4.available, IPv6.available].join(' ');
      if (this.#said.get(usage.pool) === counts) continue;
      this.#said.set(usage.pool, counts);
      const object = poolStatus({
        namespace: undefined,
        name: usage.pool,
        assignedIPv4: IPv4.inUse,
        assignedIPv6: IPv6.inUse,
        availableIPv4: IPv4.available,
        availableIPv6: IPv6.available,
      });
      this.#put(usage.pool, () => this.#status.put(object));
    }
    for (const pool of this.#said.keys()) {
      if (names.has(pool)) continue;
      this.#said.delete(pool);
      this.#put(pool, () => this.#status.remove('IPAddressPool', '', pool));
    }
  }

  #put(pool: string, write: () => Promise<void>): void {
    this.#writer.put(`IPAddressPool ${pool}`, { claims: [], write });
  }
}
