// Who is alive, from what the nodes report about themselves and about each other.
import type { NodeReport } from '../api/node-report.ts';

export interface NodeState {
  readonly name: string;
  /** `dead`: the others hear nothing of it. `unknown`: nobody says anything. */
  readonly state: 'alive' | 'dead' | 'unknown';
  /** Its agent has not reported for longer than it should. True where there is no report at all. */
  readonly isSilent: boolean;
  /** Since its agent's last report. */
  readonly reportAgeSeconds: number | undefined;
  readonly report: NodeReport | undefined;
}

/** A late timer and a slow disk do not make an agent silent. */
const tolerance = 3;

/** All nodes named, and all that report or are reported about. */
export function nodeStates(
  names: Iterable<string>,
  reports: ReadonlyMap<string, NodeReport>,
  nowMilliseconds: number,
): Map<string, NodeState> {
  const ageOf = (report: NodeReport): number =>
    Math.max(0, (nowMilliseconds - Date.parse(report.updatedAt)) / 1000);
  const isFresh = (report: NodeReport): boolean => ageOf(report) <= report.reportIntervalSeconds * tolerance;
  const fresh = [...reports.values()].filter((report) => isFresh(report) && report.pulse.connected);
  const views = fresh.flatMap((report) =>
    report.pulse.members.map(({ name, state }) => ({ by: report.node, name, state })),
  );
  const all = new Set([...names, ...reports.keys(), ...views.map(({ name }) => name)]);
  return new Map(
    [...all].sort().map((name) => {
      const report = reports.get(name);
      const seen = views.filter((view) => view.name === name).map(({ state }) => state);
      const state = seen.includes('alive') ? 'alive' : seen.includes('dead') ? 'dead' : 'unknown';
      const reportAgeSeconds = report === undefined ? undefined : Math.round(ageOf(report));
      const isSilent = report === undefined || !isFresh(report);
      return [name, { name, state, isSilent, reportAgeSeconds, report }];
    }),
  );
}
