// A folder of manifests as a source of objects: read once, then followed by inotify, statuses merged in.
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { manifestFilter, statusFilter } from './folder-filters.ts';
import { statusFolder } from './folder-layout.ts';
import { locateIn } from './folder-list.ts';
import { fileProblem } from './folder-problem.ts';
import { FolderTree, type TreeListener, type WatchFolder } from './folder-tree.ts';
import { FolderWorld } from './folder-world.ts';
import { LastGoodStore } from './last-good.ts';
import { ManifestLoader } from './manifest-loader.ts';
import { Slicer } from './slice.ts';
import type { Source, SourceListener } from './source.ts';
import { loadStatus, poolsWithStatus } from './status-file.ts';

export interface FolderOptions {
  readonly directory: string;
  /** True for one process a folder, the controller: it keeps the last good form of broken objects over restarts. */
  readonly keepLastGood?: boolean;
  /** How often the folder is looked through, should inotify have missed something. */
  readonly rescanMilliseconds?: number;
  /** The same while the folder, or a part of it, cannot be watched. */
  readonly pollMilliseconds?: number;
  /** Another `fs.watch`. */
  readonly watch?: WatchFolder;
}

/** Follows a folder on a local file system; docs/folder.md says what is read and what becomes of it. */
export const folderSource = (options: FolderOptions): Source => new FolderSource(options);

/** Changes of the first list that are handed over at once. */
const changesAtOnce = 500;

/** Between two steps of a scan that is in no hurry, each well under a millisecond. */
const restMilliseconds = 2;

/** A big folder is looked through less often: scans take this part of the time at most. */
const restsPerScan = 30;

type Happening = 'changed' | 'gone';

class FolderSource implements Source {
  readonly #directory: string;
  readonly #rescanMilliseconds: number;
  readonly #pollMilliseconds: number;
  readonly #world: FolderWorld;
  readonly #slicer = new Slicer(() => this.#deliver());
  readonly #lastGood: LastGoodStore | undefined;
  readonly #loader: ManifestLoader;
  readonly #manifests: FolderTree;
  readonly #statuses: FolderTree;
  /** What happened to files and was not looked into yet. */
  readonly #manifestFiles = new Map<string, Happening>();
  readonly #statusFiles = new Map<string, Happening>();
  readonly #stop = new AbortController();
  /** Set once the first list was handed over. */
  #listener: SourceListener | undefined;
  #isWoken = false;
  #working: Promise<void> | undefined;
  #rescanTimer: NodeJS.Timeout | undefined;
  /** False in a scan that only looks for what inotify may have missed. */
  #isHurried = true;
  /** When the last scan ended, and how long it took with all that came between. */
  #lastScan = 0;
  #scanMilliseconds = 0;

  constructor(options: FolderOptions) {
    const { directory, watch } = options;
    this.#directory = directory;
    this.#rescanMilliseconds = options.rescanMilliseconds ?? 10_000;
    this.#pollMilliseconds = options.pollMilliseconds ?? 1000;
    this.#world = new FolderWorld(locateIn(directory));
    this.#lastGood = options.keepLastGood
      ? new LastGoodStore(directory, (file, error) => {
          const rule = `The last good form of this file cannot be kept (${error}): give Gantry access to .status.`;
          const problems = error === undefined ? [] : [fileProblem(file, rule, 'warning')];
          this.#world.setProblems(`last-good ${file}`, problems);
          this.#wake();
        })
      : undefined;
    this.#manifests = new FolderTree(directory, manifestFilter, this.#hear(this.#manifestFiles), watch);
    const statusRoot = join(directory, statusFolder);
    this.#statuses = new FolderTree(statusRoot, statusFilter, this.#hear(this.#statusFiles), watch);
    this.#loader = new ManifestLoader({
      directory,
      world: this.#world,
      slicer: this.#slicer,
      lastGood: this.#lastGood,
      isRootMissing: () => this.#manifests.rootMissing,
      again: (file) => {
        if (!this.#manifestFiles.has(file)) {
          this.#manifestFiles.set(file, this.#manifests.has(file) ? 'changed' : 'gone');
        }
        this.#wake();
      },
    });
  }

  async start(listener: SourceListener): Promise<void> {
    this.#working = this.#list(listener);
    await this.#working;
    this.#rest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#rescanTimer);
    await this.#working;
    this.#manifests[Symbol.dispose]();
    this.#statuses[Symbol.dispose]();
    this.#loader[Symbol.dispose]();
    await this.#lastGood?.idle();
  }

  async #list(listener: SourceListener): Promise<void> {
    this.#world.establishPools(await poolsWithStatus(this.#directory));
    await this.#readAll();
    while (this.#manifests.rootMissing && !this.#stop.signal.aborted) {
      this.#tellProblems(listener);
      await sleep(this.#pollMilliseconds);
      this.#manifests.wantScan('');
      await this.#readAll();
    }
    if (this.#stop.signal.aborted) return;
    this.#loader.firstListIsRead();
    do {
      const changes = this.#world.flush(changesAtOnce);
      listener.batch({ changes, complete: !this.#world.isDirty });
      await this.#slicer.pause();
    } while (this.#world.isDirty);
    this.#listener = listener;
    this.#tellProblems(listener);
    await this.#lastGood?.removeOrphans(this.#loader.brokenFiles);
  }

  #hear(files: Map<string, Happening>): TreeListener {
    const happened = (happening: Happening) => (path: string) => {
      files.set(path, happening);
      this.#wake();
    };
    return {
      changed: happened('changed'),
      gone: happened('gone'),
      passedOver: (path) => {
        if (path === statusFolder) this.#statuses.wantScan('');
      },
      scanWanted: () => {
        this.#isHurried = true;
        this.#wake();
      },
      // Statuses may be removed as a whole; a folder of manifests that is missing is rather not mounted.
      rootGone: () => !this.#manifests.rootMissing,
    };
  }

  /** What happened is looked into, now or when the work under way is done. */
  #wake(): void {
    this.#isWoken = true;
    if (this.#working === undefined && this.#listener !== undefined && !this.#stop.signal.aborted) {
      this.#working = this.#work();
    }
  }

  async #work(): Promise<void> {
    // The other events of the same moment come in first.
    await nextTurn();
    await this.#readAll();
    this.#deliver();
    this.#rest();
  }

  #rest(): void {
    this.#working = undefined;
    if (this.#stop.signal.aborted) return;
    if (this.#isWoken) this.#wake();
    clearTimeout(this.#rescanTimer);
    const isFollowed =
      !this.#manifests.hasUnwatched && !this.#statuses.hasUnwatched && !this.#manifests.rootMissing;
    const wanted = isFollowed ? this.#rescanMilliseconds : this.#pollMilliseconds;
    const interval = Math.max(wanted, this.#scanMilliseconds * restsPerScan);
    this.#rescanTimer = setTimeout(
      () => {
        this.#manifests.wantScan('');
        this.#statuses.wantScan('');
        this.#isHurried = !isFollowed;
      },
      Math.max(0, this.#lastScan + interval - performance.now()),
    );
  }

  async #readAll(): Promise<void> {
    this.#slicer.begin();
    this.#isWoken = false;
    await this.#scan(this.#manifests, '');
    await this.#scan(this.#statuses, `${statusFolder}/`);
    await this.#readFiles();
  }

  async #readFiles(): Promise<void> {
    for (const [path, happening] of this.#statusFiles) {
      if (this.#stop.signal.aborted) return;
      this.#statusFiles.delete(path);
      loadStatus(this.#directory, path, happening === 'gone', this.#world);
      await this.#slicer.pause();
    }
    for (const [file, happening] of this.#manifestFiles) {
      if (this.#stop.signal.aborted) return;
      this.#manifestFiles.delete(file);
      if (happening === 'gone') this.#loader.vanish(file);
      else await this.#loader.load(file);
      await this.#slicer.pause();
    }
  }

  async #scan(tree: FolderTree, prefix: string): Promise<void> {
    if (!tree.wantsScan || this.#stop.signal.aborted) return;
    const isManifests = tree === this.#manifests;
    const began = performance.now();
    const scan = tree.scan();
    while (scan.next().done !== true) {
      // Whatever changes meanwhile does not wait for the end of the scan.
      if (this.#listener !== undefined) await this.#readFiles();
      this.#deliver();
      if (this.#isHurried) await this.#slicer.pause();
      else await sleep(restMilliseconds);
    }
    this.#lastScan = performance.now();
    this.#scanMilliseconds = (isManifests ? 0 : this.#scanMilliseconds) + this.#lastScan - began;
    const problems = [...tree.failures].map(([path, rule]) => fileProblem(prefix + path, rule, 'error'));
    if (tree.hasUnwatched) {
      const rule = `The kernel does not watch all folders, so changes are only found by looking through them all, every ${this.#pollMilliseconds} ms or less often: raise fs.inotify.max_user_watches or max_user_instances.`;
      problems.push(fileProblem(prefix, rule, 'warning'));
    }
    if (isManifests && tree.rootMissing) {
      const rule = `The folder ${this.#directory} is not there, so what it held stays in force: bring it back.`;
      problems.push(fileProblem(prefix, rule, 'error'));
    }
    this.#world.setProblems(`scan ${prefix}`, problems);
  }

  #deliver(): void {
    if (this.#listener === undefined) return;
    const changes = this.#world.flush();
    if (changes.length > 0) this.#listener.batch({ changes, complete: true });
    this.#tellProblems(this.#listener);
  }

  #tellProblems(listener: SourceListener): void {
    const problems = this.#world.changedProblems();
    if (problems !== undefined) listener.problems(problems);
  }
}
