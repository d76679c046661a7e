// The status files that the source itself reads: the Services' addresses, and which pools were in force.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPath } from '../api/field-problem.ts';
import { allocatedOf } from '../api/status.ts';
import type { Allocated } from '../model/service.ts';
import { isMissing } from './atomic-file.ts';
import { serviceOfStatus } from './folder-filters.ts';
import { isHidden, pluralOf, statusFolder } from './folder-layout.ts';
import { fileProblem } from './folder-problem.ts';
import { parseStatus } from './folder-status.ts';
import type { FolderWorld } from './folder-world.ts';
import { readFileText } from './manifest-file.ts';

/**
 * Reads the status file of a Service, at a path below `.status/`, into the world. A broken one is reported and counts
 * as not written: what was known of the Service's addresses stays.
 */
export function loadServiceStatus(
  directory: string,
  path: string,
  isGone: boolean,
  world: FolderWorld,
): void {
  const service = serviceOfStatus(path);
  if (service === undefined) return;
  const file = join(statusFolder, path);
  const read = isGone ? undefined : readAllocated(join(directory, file));
  if (typeof read === 'string') {
    world.setProblems(file, [
      fileProblem(file, `${read} Remove the file, and it is written again.`, 'warning'),
    ]);
    return;
  }
  world.setAllocated(service, read);
  world.setProblems(file, []);
}

/** Undefined where there is no file; the rule that it breaks where it is broken. */
function readAllocated(path: string): Allocated | string | undefined {
  const read = readFileText(path);
  if ('missing' in read) return undefined;
  if ('unreadable' in read) return read.unreadable;
  const status = parseStatus(read.text);
  if (typeof status === 'string') return status;
  const { object, problems } = allocatedOf(status);
  return object ?? problems.map(({ path, rule }) => `${formatPath(path)}: ${rule}`).join(' ');
}

/** Names of the pools that have a status: those in force before this process began. */
export async function poolsWithStatus(directory: string): Promise<ReadonlySet<string>> {
  try {
    const names = await readdir(join(directory, statusFolder, pluralOf('IPAddressPool')));
    return new Set(names.filter((name) => !isHidden(name)).map((name) => name.replace(/\.json$/, '')));
  } catch (error) {
    if (isMissing(error)) return new Set();
    throw error;
  }
}
