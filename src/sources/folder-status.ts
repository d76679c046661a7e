// Status in a folder: `.status/<plural kind>/<namespace>/<name>.json`, one file an object, never torn.
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isRecord } from '../api/record.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { StatusObject, StatusPort } from '../model/status.ts';
import { type Durability, isMissing, readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { isHidden, pluralOf, statusFolder, statusPath } from './folder-layout.ts';
import { fileProblem } from './folder-problem.ts';

/** libuv's thread pool has four threads: more writes at once only wait there. */
const parallelWrites = 8;

/**
 * Writes statuses below `directory`. Writes to one object follow each other, and of those that wait only the last is
 * carried out; different objects are written in parallel.
 */
export function folderStatus(directory: string): StatusPort {
  const slots = new Map<string, Slot>();
  const limit = limiter(parallelWrites);

  /** Undefined content: the file is removed. */
  const replace = (kind: string, path: string, content: string | undefined): Promise<void> => {
    const durability = durabilityOf(kind);
    const write = () =>
      limit(() =>
        content === undefined ? removeFile(path, durability) : writeAtomically(path, content, durability),
      );
    const slot = slots.get(path);
    if (slot !== undefined) {
      slot.write = write;
      slot.waiting ??= slot.running.then(
        () => start(path),
        () => start(path),
      );
      return slot.waiting;
    }
    slots.set(path, { write, running: Promise.resolve(), waiting: undefined });
    return start(path);
  };

  const start = (path: string): Promise<void> => {
    const slot = slots.get(path);
    if (slot === undefined) throw new Error(`no write is waiting for ${path}`);
    slot.waiting = undefined;
    slot.running = slot.write().finally(() => {
      if (slot.waiting === undefined) slots.delete(path);
    });
    return slot.running;
  };

  return {
    advice: 'Check that the disk has room and that .status/ is writable; it is tried again.',
    async put(object) {
      const { namespace, name } = object.metadata;
      const path = join(directory, statusPath(object.kind, namespace, name));
      await replace(object.kind, path, `${JSON.stringify(object, undefined, 2)}\n`);
    },
    async remove(kind, namespace, name) {
      await replace(kind, join(directory, statusPath(kind, namespace, name)), undefined);
    },
  };
}

/** A Service's status is where its addresses are remembered; every other one is told again by whoever told it. */
const durabilityOf = (kind: string): Durability => (kind === 'Service' ? 'durable' : 'whole');

interface Slot {
  /** The newest write that was asked for. */
  write: () => Promise<void>;
  running: Promise<void>;
  /** Carries out `write` once `running` has ended. */
  waiting: Promise<void> | undefined;
}

function limiter(limit: number): (task: () => Promise<void>) => Promise<void> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (task) => {
    if (running === limit) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    try {
      await task();
    } finally {
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

export interface ReadStatuses {
  readonly objects: readonly StatusObject[];
  /** Files that hold no status: broken by hand, or by another program. */
  readonly problems: readonly ObjectProblem[];
}

/** All statuses of a kind; none where nothing was written yet. */
export async function readStatus(directory: string, kind: string): Promise<ReadStatuses> {
  const objects: StatusObject[] = [];
  const problems: ObjectProblem[] = [];
  for (const path of await statusFiles(join(directory, statusFolder, pluralOf(kind)))) {
    const text = await readIfPresent(path);
    if (text === undefined) continue;
    const read = parseStatus(text);
    if (typeof read === 'string') problems.push(fileProblem(relative(directory, path), read, 'warning'));
    else objects.push(read);
  }
  return { objects, problems };
}

/** The status that a file's text holds, or the rule that it breaks. */
export function parseStatus(text: string): StatusObject | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `This is not valid JSON: ${error.message}.`;
  }
  if (isStatus(value)) return value;
  return 'This is not a status, an object with apiVersion, kind and metadata.name.';
}

const isStatus = (value: unknown): value is StatusObject =>
  isRecord(value) &&
  typeof value['apiVersion'] === 'string' &&
  typeof value['kind'] === 'string' &&
  isRecord(value['metadata']) &&
  typeof value['metadata']['name'] === 'string';

async function statusFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && !isHidden(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
