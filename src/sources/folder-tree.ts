// A folder tree kept in view: inotify tells what changes, and a walk now and then finds what it did not tell.
import { type FSWatcher, lstatSync, watch as watchFolder } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  attempt,
  type FolderIdentity,
  stampOf,
  type TreeFilter,
  type Walk,
  walkTree,
} from './folder-walk.ts';

export interface TreeListener {
  /** A file is new or may have changed. */
  changed(path: string): void;
  gone(path: string): void;
  /** Something happened to a name that the filter passes over. */
  passedOver(path: string): void;
  /** A scan is wanted. */
  scanWanted(): void;
  /** The root is not there. True: so are its files; false: nothing is known of them. */
  rootGone(): boolean;
}

/** As `fs.watch`; it throws where the kernel has no more watches to give. */
export type WatchFolder = (
  path: string,
  listener: (event: string, name: string | null) => void,
) => Pick<FSWatcher, 'close' | 'on'>;

interface FolderWatch {
  readonly identity: FolderIdentity;
  readonly watcher: Pick<FSWatcher, 'close' | 'on'>;
}

/** Compared between two yields. */
const filesAtOnce = 500;

/** Paths are relative to the root. Nothing happens before the first `scan`. */
export class FolderTree implements Disposable {
  readonly #root: string;
  readonly #filter: TreeFilter;
  readonly #listener: TreeListener;
  readonly #watchFolder: WatchFolder;
  readonly #watches = new Map<string, FolderWatch>();
  /** Folders that could not be watched. */
  readonly #unwatched = new Set<string>();
  readonly #files = new Map<string, string>();
  #links = new Set<string>();
  #failures = new Map<string, string>();
  #rootMissing = false;
  #wanted = new Set<string>(['']);
  #scanning = false;
  /** Files that events told of while a scan was running: it may have looked before them. */
  readonly #toldMeanwhile = new Set<string>();

  constructor(root: string, filter: TreeFilter, listener: TreeListener, watch: WatchFolder = watchFolder) {
    this.#root = root;
    this.#filter = filter;
    this.#listener = listener;
    this.#watchFolder = watch;
  }

  /** True for a file that is to be read, as far as is known. */
  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** What could not be read, by path, as sentences. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  get rootMissing(): boolean {
    return this.#rootMissing;
  }

  /** True where the kernel would not watch a folder: changes there are only found by scanning. */
  get hasUnwatched(): boolean {
    return this.#unwatched.size > 0;
  }

  get wantsScan(): boolean {
    return this.#wanted.size > 0;
  }

  /** Asks for a scan of the tree below `path`; empty: of all. */
  wantScan(path: string): void {
    this.#wanted.add(path);
    this.#listener.scanWanted();
  }

  /** Scans what is wanted and tells the listener of every difference. Drive it in slices. */
  *scan(): Generator<undefined, void> {
    // Where there are links, who reads what can only be judged with the whole tree in view.
    const starts = this.#wanted.has('') || this.#links.size > 0 ? [''] : [...this.#wanted];
    this.#wanted = new Set();
    this.#scanning = true;
    for (const start of starts) {
      this.#toldMeanwhile.clear();
      const walk = yield* this.#walk(start);
      if (start !== '' && walk.links.size > 0) yield* this.#apply('', yield* this.#walk(''));
      else yield* this.#apply(start, walk);
    }
    this.#scanning = false;
  }

  [Symbol.dispose](): void {
    this.#dropWatches('', new Set());
    this.#wanted.clear();
  }

  #walk(start: string): Generator<undefined, Walk> {
    return walkTree(this.#root, start, this.#filter, (path, identity) => this.#watch(path, identity));
  }

  *#apply(start: string, walk: Walk): Generator<undefined, void> {
    this.#rootMissing = walk.rootMissing;
    this.#dropWatches(start, walk.folders);
    if (walk.rootMissing && !this.#listener.rootGone()) return;
    if (start === '') {
      this.#links = walk.links;
      this.#failures = walk.failures;
    } else {
      for (const path of [...this.#failures.keys()]) if (isBelow(start, path)) this.#failures.delete(path);
      for (const [path, failure] of walk.failures) this.#failures.set(path, failure);
    }
    let count = 0;
    for (const [path, stamp] of walk.files) {
      if (++count % filesAtOnce === 0) yield;
      if (this.#toldMeanwhile.has(path)) continue;
      if (stamp !== '' && this.#files.get(path) === stamp) continue;
      this.#files.set(path, stamp);
      this.#listener.changed(path);
    }
    for (const path of [...this.#files.keys()]) {
      if (++count % filesAtOnce === 0) yield;
      if (!isBelow(start, path) || walk.files.has(path) || this.#toldMeanwhile.has(path)) continue;
      this.#files.delete(path);
      this.#listener.gone(path);
    }
  }

  #watch(path: string, identity: FolderIdentity): void {
    const known = this.#watches.get(path);
    if (known?.identity === identity) return;
    known?.watcher.close();
    this.#watches.delete(path);
    this.#unwatched.delete(path);
    const watcher = attempt(() =>
      this.#watchFolder(join(this.#root, path), (_event, name) => this.#told(path, name)),
    );
    if (typeof watcher !== 'string') {
      watcher.on('error', () => {
        watcher.close();
        this.#watches.delete(path);
        this.#unwatched.add(path);
        this.wantScan('');
      });
      this.#watches.set(path, { identity, watcher });
    } else if (watcher !== 'ENOENT') this.#unwatched.add(path);
  }

  /** Closes the watches below `start` but for those of `kept`. */
  #dropWatches(start: string, kept: ReadonlySet<string> | ReadonlyMap<string, unknown>): void {
    for (const [path, { watcher }] of [...this.#watches]) {
      if (!isBelow(start, path) || kept.has(path)) continue;
      watcher.close();
      this.#watches.delete(path);
    }
    for (const path of [...this.#unwatched]) {
      if (isBelow(start, path) && !kept.has(path)) this.#unwatched.delete(path);
    }
  }

  #told(folder: string, name: string | null): void {
    if (name === null) {
      this.wantScan('');
      return;
    }
    const path = folder === '' ? name : `${folder}/${name}`;
    // A folder's own name comes from its own watch when it is removed or moved away.
    if (name === basename(join(this.#root, folder))) {
      this.#dropWatches(folder, new Set());
      this.wantScan(folder === '' ? '' : parentOf(folder));
    }
    const readsFile = this.#filter.readsFile(path, name);
    if (name.startsWith('..') || this.#links.has(path)) this.wantScan('');
    else if (readsFile || this.#filter.readsFolder(path, name)) this.#look(path, readsFile);
    else this.#listener.passedOver(path);
  }

  #look(path: string, readsFile: boolean): void {
    const stat = attempt(() => lstatSync(join(this.#root, path)));
    if (typeof stat === 'string') this.#toldGone(path);
    else if (stat.isDirectory()) {
      this.#dropWatches(path, new Set());
      this.wantScan(path);
    } else if (readsFile && stat.isFile()) {
      if (this.#scanning) this.#toldMeanwhile.add(path);
      this.#files.set(path, stampOf(stat));
      this.#listener.changed(path);
    } else if (readsFile || stat.isSymbolicLink()) this.wantScan('');
  }

  #toldGone(path: string): void {
    if (this.#scanning) this.#toldMeanwhile.add(path);
    if (this.#files.delete(path)) this.#listener.gone(path);
    // A folder that is gone takes its files along.
    if (this.#watches.has(path) || this.#unwatched.has(path)) {
      this.#dropWatches(path, new Set());
      this.wantScan(path);
    }
  }
}

const isBelow = (start: string, path: string): boolean =>
  start === '' || path === start || path.startsWith(`${start}/`);

function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}
