// A data plane in memory for the agent's tests: it keeps what it is given, and refuses what the test says.
import type { Adoption, DataPlane, SyncResult } from '../dataplane/data-plane.ts';
import type { DataPlaneReason } from '../dataplane/reason.ts';
import { type Frontend, frontendKey } from '../dataplane/table.ts';
import type { ServiceKey } from '../model/service.ts';

export interface TestDataPlane extends DataPlane {
  readonly services: Map<ServiceKey, readonly Frontend[]>;
  /** `ADDRESS PROTOCOL PORT → ADDRESS:PORT,…`, a frontend each. */
  table(): string[];
  readonly refused: Set<ServiceKey>;
  /** How many Services each sync was about. */
  readonly syncs: number[];
  /** While set, a sync waits for it. */
  hold: Promise<void> | undefined;
  isDisposed: boolean;
}

export function createTestDataPlane(found: Adoption['found'] = 'nothing'): TestDataPlane {
  const services = new Map<ServiceKey, readonly Frontend[]>();
  const refused = new Set<ServiceKey>();
  const syncs: number[] = [];
  let isAdopted = false;
  let isWhole = false;
  const result = (failed: ReadonlyMap<ServiceKey, DataPlaneReason>): SyncResult => ({
    failed,
    transactions: 1,
    milliseconds: 1,
    firstTransactionMilliseconds: 1,
    flowsEnded: 0,
    flowsProblem: undefined,
  });
  const plane: TestDataPlane = {
    mode: 'nftables',
    services,
    refused,
    syncs,
    hold: undefined,
    isDisposed: false,
    table: () =>
      [...services.values()]
        .flat()
        .map((frontend) => {
          const backends = frontend.outside.map(({ address, port }) => `${address.value & 255n}:${port}`);
          return `${frontendKey(frontend)} → ${backends.join()}`;
        })
        .sort(),
    async adopt() {
      isAdopted = true;
      return { found, frontends: services.size };
    },
    async setPodCidrs() {},
    async sync(changes, scope) {
      if (!isAdopted || (!isWhole && scope !== 'everything')) throw new Error('the first sync must be whole');
      syncs.push(changes.size);
      await plane.hold;
      isWhole = true;
      if (scope === 'everything') services.clear();
      const failed = new Map<ServiceKey, DataPlaneReason>();
      for (const [service, frontends] of changes) {
        if (refused.has(service)) {
          failed.set(service, { kind: 'kernel-refused', service, operation: 'add', error: 'ENOMEM' });
        } else if (frontends.length === 0) services.delete(service);
        else services.set(service, frontends);
      }
      return result(failed);
    },
    audit: async () => ({ ...result(new Map()), read: false, repaired: 0 }),
    async cleanup() {
      services.clear();
    },
    async [Symbol.asyncDispose]() {
      plane.isDisposed = true;
    },
  };
  return plane;
}
