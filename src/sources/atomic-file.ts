// Files that are always whole: written beside, then renamed over; made durable where nobody could write them again.
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Whether the disk must have it before the promise resolves. Without, a power failure may leave it old or empty. */
export type Durability = 'durable' | 'whole';

/**
 * Writes a file so that readers see the old content or the new. Missing folders are made. A file that has the content
 * already is left alone. One writer a path.
 */
export async function writeAtomically(path: string, content: string, durability: Durability): Promise<void> {
  if ((await readIfPresent(path)) === content) return;
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeWhole(temporary, content, durability);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durability === 'durable') await syncFolder(folder);
}

/** Removes a file; nothing happens where there is none. */
export async function removeFile(path: string, durability: Durability): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (durability === 'durable') await syncFolder(dirname(path));
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** The text of a file; undefined where there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function writeWhole(path: string, content: string, durability: Durability): Promise<void> {
  await using file = await openMakingFolder(path);
  await file.writeFile(content);
  if (durability === 'durable') await file.sync();
}

async function openMakingFolder(path: string) {
  try {
    return await open(path, 'w');
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'w');
  }
}

interface FolderSync {
  readonly running: Promise<void>;
  /** Begins when the running one has ended: it covers all that was renamed before it began. */
  next: Promise<void> | undefined;
}

const folderSyncs = new Map<string, FolderSync>();

/** Makes the names in a folder durable; those who ask at once share one sync. */
function syncFolder(folder: string): Promise<void> {
  const sync = folderSyncs.get(folder);
  if (sync === undefined) return startSync(folder);
  sync.next ??= sync.running.then(
    () => startSync(folder),
    () => startSync(folder),
  );
  return sync.next;
}

function startSync(folder: string): Promise<void> {
  const running = syncNow(folder).finally(() => {
    if (folderSyncs.get(folder)?.running === running) folderSyncs.delete(folder);
  });
  folderSyncs.set(folder, { running, next: undefined });
  return running;
}

async function syncNow(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
