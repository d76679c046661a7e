// One node in `gantry status`: whether it lives, and how its agent, its pulse and its forwarding are.
import type { NodeState } from '../node-state.ts';

export interface NodeRow {
  readonly node: string;
  readonly state: NodeState['state'];
  /** Told to hand its addresses over and to take none. */
  readonly draining: boolean;
  /** `silent`: it has not reported for too long. `none`: it never has. */
  readonly agent: 'ok' | 'silent' | 'none';
  readonly reportAgeSeconds: number | null;
  readonly version: string | null;
  readonly pulse: 'ok' | 'not-connected' | 'unknown';
  readonly dataPlane: 'nftables' | 'none' | 'failing' | 'unknown';
  /** Addresses that it answers for. */
  readonly owned: number | null;
  /** Of addresses that are spread over nodes, how many shares. */
  readonly ownedShares: number;
  /** What in the host hinders it, as sentences. */
  readonly findings: readonly {
    readonly severity: string;
    readonly kind: string;
    readonly message: string;
  }[];
}

export function nodeRow({ name, state, isSilent, reportAgeSeconds, report }: NodeState): NodeRow {
  const draining = report?.pulse.draining ?? false;
  const common = { node: name, state, draining, reportAgeSeconds: reportAgeSeconds ?? null };
  if (report === undefined) {
    return {
      ...common,
      agent: 'none',
      version: null,
      pulse: 'unknown',
      dataPlane: 'unknown',
      owned: null,
      ownedShares: 0,
      findings: [],
    };
  }
  const { version, pulse, dataPlane, host } = report;
  const works = dataPlane.healthy && dataPlane.failedCount === 0;
  return {
    ...common,
    agent: isSilent ? 'silent' : 'ok',
    version,
    pulse: pulse.connected ? 'ok' : 'not-connected',
    dataPlane: works ? dataPlane.mode : 'failing',
    owned: pulse.owned,
    ownedShares: pulse.ownedShares ?? 0,
    findings: host,
  };
}

export const isNodeWell = ({ state, agent, pulse, dataPlane, findings }: NodeRow): boolean =>
  state === 'alive' &&
  agent === 'ok' &&
  pulse === 'ok' &&
  dataPlane !== 'failing' &&
  !findings.some(({ severity }) => severity === 'error');
