// One walk over a folder: every file to read, each real file once, whatever symbolic links there are.
import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What of a tree is read: names are judged one by one, so that a hidden folder hides all below it. */
export interface TreeFilter {
  /** `path` is relative to the root. */
  readsFolder(path: string, name: string): boolean;
  readsFile(path: string, name: string): boolean;
}

export interface Walk {
  /** Relative paths, in the order of the walk (by name). */
  readonly folders: Map<string, FolderIdentity>;
  /** The relative path of each file, with a stamp that changes whenever the file does. */
  readonly files: Map<string, string>;
  /** Symbolic links, those that lead nowhere and those not followed included. */
  readonly links: Set<string>;
  /** Paths that could not be read, and links that lead back to a folder around them, with the reason as a sentence. */
  readonly failures: Map<string, string>;
  /** The root is not there, or is no folder: then nothing is known. */
  rootMissing: boolean;
}

/** Device, inode and birth time: another folder of the same name differs in it. */
export type FolderIdentity = string;

const deepestFolder = 32;

/** Looked at between two yields: well under a millisecond. */
const entriesAtOnce = 50;

/** A file that changed so lately may change again within the same tick of the file system's clock. */
const unsettledMilliseconds = 20;

/**
 * Walks the tree below `root` from `start` (relative; empty for all of it). `enter` is told of each folder before it
 * is listed, so that a watch set there misses nothing. Yields often: drive it in slices.
 *
 * A plain file or folder is read under its own path. A link into the tree's own visible part is passed over, since its
 * target is read there; a link elsewhere is followed once. So each `..data` of a ConfigMap mount, hidden itself, is
 * read through the links beside it.
 */
export function* walkTree(
  root: string,
  start: string,
  filter: TreeFilter,
  enter: (path: string, identity: FolderIdentity) => void,
): Generator<undefined, Walk> {
  const walk: Walk = {
    folders: new Map(),
    files: new Map(),
    links: new Set(),
    failures: new Map(),
    rootMissing: false,
  };
  const rootStat = attempt(() => statSync(root));
  if (!(typeof rootStat === 'object' && rootStat.isDirectory())) {
    walk.rootMissing = true;
    return walk;
  }
  const realRoot = realpathSync.native(root);
  /** Real paths outside the visible tree that were read through a link. */
  const followed = new Set<string>();
  const open: OpenFolder[] = [
    { path: start, real: attemptRealPath(join(root, start)) ?? realRoot, followed: false },
  ];

  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const entries = enterFolder(root, folder.path, walk, enter);
    const inner: OpenFolder[] = [];
    for (const [index, name] of entries.entries()) {
      if (index % entriesAtOnce === 0) yield;
      const path = folder.path === '' ? name : `${folder.path}/${name}`;
      if (!filter.readsFolder(path, name) && !filter.readsFile(path, name)) continue;
      const plain = attempt(() => lstatSync(join(root, path)));
      if (typeof plain === 'string') continue;
      if (!plain.isSymbolicLink()) {
        const real = `${folder.real}/${name}`;
        if (folder.followed && followed.has(real)) continue;
        if (folder.followed) followed.add(real);
        take(walk, filter, path, name, plain, inner, { path, real, followed: folder.followed });
        continue;
      }
      walk.links.add(path);
      const target = attempt(() => statSync(join(root, path)));
      const real = attemptRealPath(join(root, path));
      if (target === 'ELOOP') walk.failures.set(path, 'This link leads back to itself: remove it.');
      if (typeof target === 'string' || real === undefined) continue;
      if (target.isDirectory() && (isWithin(real, folder.real) || isWithin(real, realRoot))) {
        walk.failures.set(
          path,
          'This link leads to a folder that contains it, so it is not followed: remove it.',
        );
        continue;
      }
      if (followed.has(real) || isVisible(realRoot, real, filter)) continue;
      followed.add(real);
      take(walk, filter, path, name, target, inner, { path, real, followed: true });
    }
    open.push(...inner.reverse());
  }
  return walk;
}

interface OpenFolder {
  readonly path: string;
  readonly real: string;
  /** Reached through a link. */
  readonly followed: boolean;
}

/** Names in the folder, sorted; none if it cannot be read. */
function enterFolder(
  root: string,
  path: string,
  walk: Walk,
  enter: (path: string, identity: FolderIdentity) => void,
): string[] {
  const stat = attempt(() => statSync(join(root, path)));
  if (typeof stat === 'string' || !stat.isDirectory()) return [];
  const identity = `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
  walk.folders.set(path, identity);
  enter(path, identity);
  const names = attempt(() => readdirSync(join(root, path)));
  if (typeof names !== 'string') return names.sort();
  if (names !== 'ENOENT')
    walk.failures.set(path, `This folder cannot be read (${names}): give Gantry access.`);
  return [];
}

function take(
  walk: Walk,
  filter: TreeFilter,
  path: string,
  name: string,
  stat: Stats,
  inner: OpenFolder[],
  folder: OpenFolder,
): void {
  if (stat.isDirectory()) {
    if (!filter.readsFolder(path, name)) return;
    if (path.split('/').length < deepestFolder) inner.push(folder);
    else walk.failures.set(path, `Folders are read ${deepestFolder} deep at most: move it up.`);
  } else if (filter.readsFile(path, name)) {
    if (stat.isFile()) walk.files.set(path, stampOf(stat));
    else walk.failures.set(path, 'A manifest must be a regular file: remove this one.');
  }
}

/** Differs after any change that a file system notices. Empty, equal to no other, for a file that may be changing. */
export function stampOf(stat: Stats): string {
  if (Math.abs(Date.now() - stat.mtimeMs) < unsettledMilliseconds) return '';
  return `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
}

/** True where `inner` is `outer` or below it. */
const isWithin = (outer: string, inner: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

/** True for what the plain walk reads under its own path. */
function isVisible(realRoot: string, real: string, filter: TreeFilter): boolean {
  if (!real.startsWith(`${realRoot}/`)) return false;
  const path = real.slice(realRoot.length + 1);
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (!filter.readsFolder(folder, folder.slice(folder.lastIndexOf('/') + 1))) return false;
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  return filter.readsFolder(path, name) || filter.readsFile(path, name);
}

/** The result, or the code of a file system error: files come and go while we look. */
export function attempt<T>(operation: () => T): T | string {
  try {
    return operation();
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    throw error;
  }
}

function attemptRealPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
