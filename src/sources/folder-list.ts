// A folder read once, as it is now: for the commands that look and do not follow.
import { join } from 'node:path';
import { lineIn, readManifest } from '../api/manifest.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Change } from '../model/world.ts';
import { manifestFilter, statusFilter } from './folder-filters.ts';
import { manifestFormat, statusFolder } from './folder-layout.ts';
import { fileProblem } from './folder-problem.ts';
import { walkTree } from './folder-walk.ts';
import { FolderWorld, type Locate } from './folder-world.ts';
import { fileContent, readFileText, unreadableManifest } from './manifest-file.ts';
import { finish } from './slice.ts';
import { loadStatus, poolsWithStatus } from './status-file.ts';

export interface FolderList {
  /** Every accepted object, as changes to an empty World. */
  readonly changes: readonly Change[];
  readonly problems: readonly ObjectProblem[];
}

/** Reads everything, what is kept of earlier texts left aside; undefined if there is no such folder. */
export async function listFolder(directory: string): Promise<FolderList | undefined> {
  const world = new FolderWorld(locateIn(directory));
  world.establishPools(await poolsWithStatus(directory));
  const manifests = finish(walkTree(directory, '', manifestFilter, () => {}));
  if (manifests.rootMissing) return undefined;
  for (const file of manifests.files.keys()) {
    const read = readFileText(join(directory, file));
    if ('missing' in read) continue;
    const manifest =
      'text' in read
        ? finish(readManifest(file, read.text, formatOf(file)))
        : unreadableManifest(file, read.unreadable);
    world.setFile(file, fileContent(manifest, []));
  }
  const statuses = finish(walkTree(join(directory, statusFolder), '', statusFilter, () => {}));
  for (const path of statuses.files.keys()) loadStatus(directory, path, false, world);
  const failures = [...manifests.failures].map(([path, rule]) => fileProblem(path, rule, 'error'));
  world.setProblems('walk', failures);
  const changes = world.flush();
  return { changes, problems: world.changedProblems() ?? [] };
}

/** Finds lines by reading the file again: only objects with problems are looked up. */
export const locateIn =
  (directory: string): Locate =>
  (file, position, path) => {
    const read = readFileText(join(directory, file));
    return 'text' in read ? lineIn(read.text, formatOf(file), position, path) : undefined;
  };

const formatOf = (file: string) => manifestFormat(file.slice(file.lastIndexOf('/') + 1)) ?? 'yaml';
