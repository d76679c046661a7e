// The objects and the statuses of a folder, for a snapshot.
import { nodeReportKind } from '../api/node-report.ts';
import { applyBatch, emptyWorld } from '../model/world.ts';
import { listFolder } from '../sources/folder-list.ts';
import { readStatus } from '../sources/folder-status.ts';
import type { SnapshotParts } from './snapshot-parts.ts';

/** Rejects with a sentence where there is no such folder. */
export async function readFolder(directory: string): Promise<SnapshotParts> {
  const list = await listFolder(directory);
  if (list === undefined) throw new Error(`there is no folder ${directory}; name the folder of manifests`);
  const world = emptyWorld();
  applyBatch(world, { changes: list.changes, complete: true });
  const [services, reports, announcements] = await Promise.all([
    readStatus(directory, 'Service'),
    readStatus(directory, nodeReportKind),
    readStatus(directory, 'ServiceL2Status'),
  ]);
  return {
    world,
    problems: [...list.problems, ...reports.problems, ...announcements.problems],
    services: services.objects,
    reports: reports.objects,
    announcements: announcements.objects,
  };
}
