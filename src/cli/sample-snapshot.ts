// What a folder holds, for the tests of commands: objects, and what nodes report about themselves.
import type { NodeReport } from '../api/node-report.ts';
import type { ServiceKey } from '../model/service.ts';
import { applyBatch, type Change, emptyWorld } from '../model/world.ts';
import type { Snapshot } from './snapshot.ts';

/** When the sample reports are a second old. */
export const sampleNow = Date.parse('2026-01-31T12:00:00Z');

type MemberState = NodeReport['pulse']['members'][number]['state'];

/** A node that is well and sees the members so. */
export const nodeReport = (
  node: string,
  members: Readonly<Record<string, MemberState>> = { [node]: 'alive' },
  more: Partial<NodeReport> = {},
): NodeReport => ({
  node,
  version: '0.1.0',
  updatedAt: '2026-01-31T11:59:59.000Z',
  reportIntervalSeconds: 10,
  pulse: {
    connected: true,
    members: Object.entries(members).map(([name, state]) => ({ name, state, interfaces: ['eth0'] })),
    announced: 1,
    owned: 1,
  },
  dataPlane: { mode: 'nftables', healthy: true, frontends: 1, failedCount: 0, failed: [] },
  host: [],
  unhealthyCount: 0,
  unhealthyEndpoints: [],
  ...more,
});

export interface SnapshotParts {
  readonly changes: readonly Change[];
  readonly reports?: readonly NodeReport[];
  /** Who answers for a Service, by key. */
  readonly owners?: Readonly<Record<ServiceKey, readonly string[]>>;
  readonly bgpAnnouncers?: Readonly<Record<ServiceKey, readonly string[]>>;
  /** By node and address, how many shares it answers for. */
  readonly shares?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly problems?: Snapshot['problems'];
  readonly complaints?: Readonly<Record<ServiceKey, string>>;
}

export function snapshotOf(parts: SnapshotParts): Snapshot {
  const world = emptyWorld();
  applyBatch(world, { changes: parts.changes, complete: true });
  return {
    world,
    problems: parts.problems ?? [],
    reports: new Map((parts.reports ?? []).map((report) => [report.node, report])),
    announcements: new Map(
      Object.entries(parts.owners ?? {}).map(([key, nodes]) => [
        key,
        nodes.map((node) => ({
          node,
          interfaces: ['eth0'],
          why: `Elected on ${node}.`,
          shares: new Map(Object.entries(parts.shares?.[node] ?? {})),
        })),
      ]),
    ),
    bgpAnnouncers: new Map(Object.entries(parts.bgpAnnouncers ?? {})),
    complaints: new Map(
      Object.entries(parts.complaints ?? {}).map(([key, message]) => [key, { reason: 'Some', message }]),
    ),
  };
}
