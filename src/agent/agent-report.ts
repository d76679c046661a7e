// Fills in the NodeReport from what the agent's parts know.

import { type NodeReport, reportedEntries } from '../api/node-report.ts';
import type { DataPlaneMode } from '../dataplane/data-plane.ts';
import { type DataPlaneReason, dataPlaneSentences } from '../dataplane/reason.ts';
import { sentence } from '../model/reason.ts';
import { countHoldings } from '../model/share.ts';
import type { HostFinding } from './host-check.ts';
import type { KernelState } from './kernel-state.ts';
import type { UnhealthyEndpoint } from './prober.ts';
import type { PulseConnection } from './pulse-connection.ts';
import { hostSentence, probeFailureClause } from './reason.ts';

export interface ReportParts {
  readonly node: string;
  readonly version: string;
  /** RFC 3339. */
  readonly now: string;
  readonly reportIntervalSeconds: number;
  readonly pulse: Pick<PulseConnection, 'isConnected' | 'version' | 'members' | 'ownership'>;
  /** Addresses in pulse's table. */
  readonly announced: number;
  readonly mode: DataPlaneMode;
  readonly kernel: Pick<KernelState, 'failures' | 'frontends'>;
  /** RFC 3339; undefined before the first. */
  readonly lastSyncAt: string | undefined;
  /** Undefined where this node has no peers. */
  readonly bgp: NodeReport['bgp'];
  readonly findings: readonly HostFinding[];
  readonly unhealthy: readonly UnhealthyEndpoint[];
}

export function nodeReportOf(parts: ReportParts): NodeReport {
  const { pulse, kernel } = parts;
  return {
    node: parts.node,
    version: parts.version,
    updatedAt: parts.now,
    reportIntervalSeconds: parts.reportIntervalSeconds,
    pulse: {
      connected: pulse.isConnected,
      ...present('version', pulse.version),
      draining: pulse.members?.isDraining ?? false,
      majority: pulse.members?.hasMajority ?? false,
      members: (pulse.members?.members ?? []).map(({ name, state, lastHeardMilliseconds, interfaces }) => ({
        name,
        state,
        ...present(
          'lastHeardMilliseconds',
          lastHeardMilliseconds === undefined ? undefined : Math.round(lastHeardMilliseconds),
        ),
        interfaces: [...interfaces],
      })),
      announced: parts.announced,
      owned: pulse.ownership.addresses.size,
      ownedShares: countHoldings(keysOf(pulse.ownership)).shares,
    },
    dataPlane: {
      mode: parts.mode,
      healthy: kernel.failures.size === 0,
      ...present('lastSyncAt', parts.lastSyncAt),
      ...present('lastError', lastErrorOf(kernel.failures)),
      frontends: kernel.frontends,
      failedCount: kernel.failures.size,
      failed: [...kernel.failures]
        .slice(0, reportedEntries)
        .map(([service, reason]) => ({ service, kind: reason.kind, message: explain(reason) })),
    },
    ...present('bgp', parts.bgp),
    host: parts.findings.map(({ severity, reason }) => ({
      severity,
      kind: reason.kind,
      message: hostSentence(reason),
    })),
    unhealthyCount: parts.unhealthy.length,
    unhealthyEndpoints: parts.unhealthy
      .slice(0, reportedEntries)
      .map(({ service, address, port, failure }) => ({
        service,
        address,
        port,
        kind: failure.kind,
        message: probeFailureClause(failure),
      })),
  };
}

const keysOf = ({ addresses }: PulseConnection['ownership']): string[] =>
  [...addresses.values()].flat().map(({ address }) => address);

const explain = (reason: DataPlaneReason): string => sentence(dataPlaneSentences, reason);

function lastErrorOf(failures: KernelState['failures']): string | undefined {
  const last = [...failures.values()].at(-1);
  return last === undefined ? undefined : explain(last);
}

/** A member that is left out where there is no value: absent in JSON either way, but not in a type. */
const present = <K extends string, V>(key: K, value: V | undefined): { [_ in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [_ in K]: V });
