// Objects and statuses, read once from wherever they are: what `gantry status` and `gantry why` judge.
import { type NodeReport, readNodeReport } from '../api/node-report.ts';
import { isRecord } from '../api/record.ts';
import {
  parseServiceBgpStatusName,
  parseServiceL2StatusName,
  parseShares,
  sharesAnnotation,
  whyAnnotation,
} from '../api/status.ts';
import type { ObjectProblem } from '../model/problem.ts';
import { type ServiceKey, serviceKey } from '../model/service.ts';
import type { StatusObject } from '../model/status.ts';
import type { World } from '../model/world.ts';
import type { Origin } from './origin.ts';
import { readCluster } from './read-cluster.ts';
import { readFolder } from './read-folder.ts';
import type { SnapshotParts } from './snapshot-parts.ts';

export interface Snapshot {
  readonly world: World;
  /** All that is wrong with the objects. */
  readonly problems: readonly ObjectProblem[];
  /** By node. */
  readonly reports: ReadonlyMap<string, NodeReport>;
  /** Who says that it answers for a Service on layer 2. */
  readonly announcements: ReadonlyMap<ServiceKey, readonly Announcement[]>;
  /** The nodes that say they announce a Service by BGP. */
  readonly bgpAnnouncers: ReadonlyMap<ServiceKey, readonly string[]>;
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

/** Rejects with a sentence where nothing can be read. */
export const readSnapshot = async (origin: Origin): Promise<Snapshot> =>
  snapshotOf(origin.kind === 'folder' ? await readFolder(origin.directory) : await readCluster(origin));

function snapshotOf({
  world,
  problems,
  services,
  reports,
  announcements,
  bgpAnnouncements,
}: SnapshotParts): Snapshot {
  return {
    world,
    problems,
    reports: new Map(
      reports.flatMap((object) => {
        const report = readNodeReport(object);
        return report === undefined ? [] : [[report.node, report] as const];
      }),
    ),
    announcements: announcementsOf(announcements),
    bgpAnnouncers: bgpAnnouncersOf(bgpAnnouncements),
    complaints: new Map(
      services.flatMap((object) => {
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

function bgpAnnouncersOf(objects: readonly StatusObject[]): Map<ServiceKey, string[]> {
  const found = new Map<ServiceKey, string[]>();
  for (const object of objects) {
    const about = parseServiceBgpStatusName(object.metadata.name);
    if (about === undefined) continue;
    const key = serviceKey(about.namespace, about.name);
    found.set(key, [...(found.get(key) ?? []), about.node]);
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
