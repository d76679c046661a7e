// A folder and its statuses, read once: what `gantry status` and `gantry why` judge.
import { type NodeReport, nodeReportKind, readNodeReport } from '../api/node-report.ts';
import { isRecord } from '../api/record.ts';
import { parseServiceL2StatusName, parseShares, sharesAnnotation, whyAnnotation } from '../api/status.ts';
import type { ObjectProblem } from '../model/problem.ts';
import { type ServiceKey, serviceKey } from '../model/service.ts';
import type { StatusObject } from '../model/status.ts';
import { applyBatch, emptyWorld, type World } from '../model/world.ts';
import { listFolder } from '../sources/folder-list.ts';
import { readStatus } from '../sources/folder-status.ts';

export interface FolderSnapshot {
  readonly world: World;
  /** All that is wrong with the folder's objects and status files. */
  readonly problems: readonly ObjectProblem[];
  /** By node. */
  readonly reports: ReadonlyMap<string, NodeReport>;
  /** Who says that it answers for a Service. */
  readonly announcements: ReadonlyMap<ServiceKey, readonly Announcement[]>;
  /** Why the controller has not done what a Service wants, in its own words. */
  readonly complaints: ReadonlyMap<ServiceKey, Complaint>;
}

export interface Announcement {
  readonly node: string;
  readonly interfaces: readonly string[];
  /** Why it is that node, in its own words. */
  readonly why: string | undefined;
  /** By address, how many shares of it the node answers for: of those that are spread over nodes. */
  readonly shares: ReadonlyMap<string, number>;
}

export interface Complaint {
  readonly reason: string;
  readonly message: string;
}

/** Undefined where there is no such folder. */
export async function readSnapshot(directory: string): Promise<FolderSnapshot | undefined> {
  const list = await listFolder(directory);
  if (list === undefined) return undefined;
  const world = emptyWorld();
  applyBatch(world, { changes: list.changes, complete: true });
  const [services, reports, announcements] = await Promise.all(
    ['Service', nodeReportKind, 'ServiceL2Status'].map((kind) => readStatus(directory, kind)),
  );
  return {
    world,
    problems: [...list.problems, ...(reports?.problems ?? []), ...(announcements?.problems ?? [])],
    reports: new Map(
      (reports?.objects ?? []).flatMap((object) => {
        const report = readNodeReport(object);
        return report === undefined ? [] : [[report.node, report] as const];
      }),
    ),
    announcements: announcementsOf(announcements?.objects ?? []),
    complaints: new Map(
      (services?.objects ?? []).flatMap((object) => {
        const complaint = complaintOf(object);
        const { namespace = '', name } = object.metadata;
        return complaint === undefined ? [] : [[serviceKey(namespace, name), complaint] as const];
      }),
    ),
  };
}

function announcementsOf(objects: readonly StatusObject[]): Map<ServiceKey, Announcement[]> {
  const found = new Map<ServiceKey, Announcement[]>();
  for (const object of objects) {
    const about = parseServiceL2StatusName(object.metadata.name);
    if (about === undefined) continue;
    const key = serviceKey(about.namespace, about.name);
    const announcement = {
      node: about.node,
      interfaces: interfacesOf(object['status']),
      why: object.metadata.annotations?.[whyAnnotation],
      shares: parseShares(object.metadata.annotations?.[sharesAnnotation] ?? ''),
    };
    found.set(key, [...(found.get(key) ?? []), announcement]);
  }
  return found;
}

function interfacesOf(status: unknown): string[] {
  const interfaces = isRecord(status) ? status['interfaces'] : undefined;
  if (!Array.isArray(interfaces)) return [];
  return interfaces.flatMap((entry) =>
    isRecord(entry) && typeof entry['name'] === 'string' ? entry['name'] : [],
  );
}

/** The first condition that does not hold. */
function complaintOf(object: StatusObject): Complaint | undefined {
  const status = object['status'];
  const conditions = isRecord(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return undefined;
  const failing = conditions.find((condition) => isRecord(condition) && condition['status'] === 'False');
  if (!isRecord(failing)) return undefined;
  return { reason: String(failing['reason'] ?? ''), message: String(failing['message'] ?? '') };
}
