// The status files that the source itself reads: the Services' addresses, which of them others use, and which pools
// were in force.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAddressProbe } from '../api/address-probe.ts';
import { type FieldProblem, formatPath } from '../api/field-problem.ts';
import { allocatedOf } from '../api/status.ts';
import type { StatusObject } from '../model/status.ts';
import { isMissing } from './atomic-file.ts';
import { nodeOfProbe, serviceOfStatus } from './folder-filters.ts';
import { isHidden, pluralOf, statusFolder } from './folder-layout.ts';
import { fileProblem } from './folder-problem.ts';
import { parseStatus } from './folder-status.ts';
import type { FolderWorld } from './folder-world.ts';
import { readFileText } from './manifest-file.ts';

/**
 * Reads a status file, at a path below `.status/`, into the world: a Service's, or a node's AddressProbe. A broken one is
 * reported and counts as not written: what was known stays.
 */
export function loadStatus(directory: string, path: string, isGone: boolean, world: FolderWorld): void {
  const file = join(statusFolder, path);
  const problem = isGone ? take(world, path, undefined) : readInto(world, path, join(directory, file));
  const advice = 'Remove the file, and it is written again.';
  world.setProblems(
    file,
    problem === undefined ? [] : [fileProblem(file, `${problem} ${advice}`, 'warning')],
  );
}

/** The rule that the file breaks, where it is broken. */
function readInto(world: FolderWorld, path: string, file: string): string | undefined {
  const read = readFileText(file);
  if ('missing' in read) return take(world, path, undefined);
  if ('unreadable' in read) return read.unreadable;
  const status = parseStatus(read.text);
  return typeof status === 'string' ? status : take(world, path, status);
}

function take(world: FolderWorld, path: string, status: StatusObject | undefined): string | undefined {
  const service = serviceOfStatus(path);
  const node = nodeOfProbe(path);
  if (service !== undefined) {
    const parsed = status && allocatedOf(status);
    if (parsed !== undefined && parsed.object === undefined) return ruleOf(parsed.problems);
    world.setAllocated(service, parsed?.object);
  } else if (node !== undefined) {
    const parsed = status && parseAddressProbe(status);
    if (parsed !== undefined && parsed.object === undefined) return ruleOf(parsed.problems);
    world.setAddressProbe(node, parsed?.object);
  }
  return undefined;
}

const ruleOf = (problems: readonly FieldProblem[]): string =>
  problems.map(({ path, rule }) => `${formatPath(path)}: ${rule}`).join(' ');

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
