// Keeps the kernel dropping what this node's aggregates cover and no Service has.
import { discardTable, discardTableName } from '../../dataplane/nftables/discard.ts';
import type { NftablesPort } from '../../dataplane/nftables/port.ts';
import { type Cidr, formatCidr } from '../../model/address.ts';
import type { Log } from '../../observe/log.ts';

export interface Discards {
  /** These and no others. Returns at once; what the kernel has against it is logged. */
  want(aggregates: readonly Cidr[]): void;
}

/** The kernel's part: a table at a time, opened where there is something to drop or something may be left. */
export type OpenDiscardTable = () => Promise<NftablesPort>;

export const openDiscardTable: OpenDiscardTable = async () => {
  // Native code is loaded only where there is an aggregate, or a peer that was told of one before.
  const { openNftables } = await import('../../dataplane/nftables/kernel.ts');
  return openNftables({ family: 'inet', name: discardTableName });
};

/** The table stays when this process ends; the next one replaces it as a whole, or removes it. */
export function createDiscards(open: OpenDiscardTable, log: Log): Discards {
  let wanted: readonly Cidr[] = [];
  let isWorking = false;
  let isStale = false;
  /** What the kernel has; undefined: that is not known. */
  let applied: string | undefined;

  const work = async (): Promise<void> => {
    isWorking = true;
    while (isStale) {
      isStale = false;
      const aggregates = wanted;
      try {
        using port = await open();
        const problem = replaceTable(port, aggregates);
        const fields = { aggregates: aggregates.map(formatCidr) };
        applied = problem === undefined ? fields.aggregates.join() : undefined;
        if (problem === undefined) log.info('bgp-aggregates-discarded', fields);
        else log.warn('bgp-aggregates-not-discarded', { ...fields, error: problem, next: advice });
      } catch (error) {
        applied = undefined;
        log.warn('bgp-aggregates-not-discarded', { error, next: advice });
      }
    }
    isWorking = false;
  };

  return {
    want(aggregates) {
      wanted = aggregates;
      if (!isWorking && aggregates.map(formatCidr).join() === applied) return;
      isStale = true;
      if (!isWorking) void work();
    },
  };
}

/** What the kernel has against it; undefined: it is as wanted. */
export function replaceTable(port: NftablesPort, aggregates: readonly Cidr[]): string | undefined {
  const isThere = port.chains() !== undefined;
  if (!isThere && aggregates.length === 0) return undefined;
  const result = port.commit([
    ...(isThere ? [{ op: 'delete-table' } as const] : []),
    ...(aggregates.length === 0 ? [] : discardTable(aggregates)),
  ]);
  return result.ok ? undefined : `${result.code} ${result.detail}`.trim();
}

const advice =
  'Let the agent program nftables (CAP_NET_ADMIN): until then packets for addresses that an aggregate covers and no Service has may go to and fro between this node and its routers.';
