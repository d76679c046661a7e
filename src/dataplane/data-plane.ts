// The data plane as the agent sees it: it is given forwarding tables and tells what became of them.
import type { Cidr } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import type { DataPlaneReason } from './reason.ts';
import type { Frontend } from './table.ts';

/** `none`: another Service proxy forwards, Gantry only announces. */
export type DataPlaneMode = 'none' | 'nftables';

/** Calls may overlap; they are carried out one after the other. Disposing leaves the kernel as it is. */
export interface DataPlane extends AsyncDisposable {
  readonly mode: DataPlaneMode;
  /** Takes over what an earlier process left. Changes nothing; until the first `sync` all goes on as it was. */
  adopt(): Promise<Adoption>;
  /** This node's pods: their traffic counts as the node's own. */
  setPodCidrs(podCidrs: readonly Cidr[]): Promise<void>;
  /**
   * Makes these Services' frontends the given ones; none for a Service that is gone. With `everything` the changes are
   * the whole table, and what else there is goes: the first call after `adopt` must be such a one.
   */
  sync(
    changes: ReadonlyMap<ServiceKey, readonly Frontend[]>,
    scope: 'everything' | 'changes',
  ): Promise<SyncResult>;
  /**
   * Compares the kernel with what was asked for, and repairs. `quick` reads only as much as tells that nobody else
   * touched our table, and costs one call where nobody touched any; `full` reads everything (seconds at 250,000
   * endpoints).
   */
  audit(depth: 'quick' | 'full'): Promise<AuditResult>;
  /** Removes all that is ours from the kernel. Connections through it end. */
  cleanup(): Promise<void>;
}

export interface Adoption {
  readonly found: 'nothing' | 'ours' | 'another layout';
  readonly frontends: number;
}

export interface SyncResult {
  /** Services that are not as asked: each as it was before, as a whole or (where it changed hands) in part. */
  readonly failed: ReadonlyMap<ServiceKey, DataPlaneReason>;
  readonly transactions: number;
  /** From the call until the kernel had all, and, of it, until the first transaction was done. */
  readonly milliseconds: number;
  readonly firstTransactionMilliseconds: number;
  /** UDP flows that were ended because their endpoint stopped serving. */
  readonly flowsEnded: number;
  /** Why stale UDP flows could not be ended; undefined where they were. */
  readonly flowsProblem: DataPlaneReason | undefined;
}

export interface AuditResult extends SyncResult {
  /** False: nobody changed anything since the last look. */
  readonly read: boolean;
  /** How many frontends had to be set right; all of them after the table was gone. */
  readonly repaired: number;
}

/** The result of having had nothing to do. */
export const nothingDone: AuditResult = {
  failed: new Map(),
  transactions: 0,
  milliseconds: 0,
  firstTransactionMilliseconds: 0,
  flowsEnded: 0,
  flowsProblem: undefined,
  read: false,
  repaired: 0,
};

export const noDataPlane = (): DataPlane => ({
  mode: 'none',
  adopt: async () => ({ found: 'nothing', frontends: 0 }),
  setPodCidrs: async () => {},
  sync: async () => nothingDone,
  audit: async () => nothingDone,
  cleanup: async () => {},
  async [Symbol.asyncDispose]() {},
});
