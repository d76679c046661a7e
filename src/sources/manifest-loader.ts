// Turns what happens to manifest files into what the folder amounts to, distrusting what looks half-written.
import { join } from 'node:path';
import { type Manifest, readManifest } from '../api/manifest.ts';
import { idOf } from '../api/parse-object.ts';
import { manifestFormat } from './folder-layout.ts';
import type { FolderWorld } from './folder-world.ts';
import type { LastGoodStore } from './last-good.ts';
import { readLastGood } from './last-good.ts';
import { type FileContent, fileContent, readFileText, unreadableManifest } from './manifest-file.ts';
import { Settling } from './settling.ts';
import type { Slicer } from './slice.ts';

/** A text that is broken or takes objects away is believed when it has not changed for so long. */
const doubtMilliseconds = 250;
/** YAML that does not end with its line may be the first part of a longer text. */
const openLineMilliseconds = 10;
/** Editors remove a file a moment before they write it anew. */
const vanishMilliseconds = 200;

export interface LoaderOptions {
  readonly directory: string;
  readonly world: FolderWorld;
  readonly slicer: Slicer;
  /** Undefined: only what others kept is read. */
  readonly lastGood: LastGoodStore | undefined;
  readonly isRootMissing: () => boolean;
  /** Called when `load` should be called for a file again. */
  readonly again: (file: string) => void;
}

export class ManifestLoader implements Disposable {
  readonly #options: LoaderOptions;
  readonly #settling: Settling;
  /** Files that have objects in force from an earlier text. */
  readonly #broken = new Set<string>();
  #isFirstList = true;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#settling = new Settling(options.again);
  }

  get brokenFiles(): ReadonlySet<string> {
    return this.#broken;
  }

  /** From now on there are earlier texts to compare with, and writers to wait for. */
  firstListIsRead(): void {
    this.#isFirstList = false;
  }

  /** Reads a file that is new, or may have changed or gone. */
  async load(file: string): Promise<void> {
    const { directory, world, slicer, lastGood } = this.#options;
    const format = manifestFormat(file.slice(file.lastIndexOf('/') + 1)) ?? 'yaml';
    const read = readFileText(join(directory, file));
    if ('missing' in read) {
      this.vanish(file);
      return;
    }
    const text = 'text' in read ? read.text : undefined;
    const manifest =
      'text' in read
        ? await slicer.run(readManifest(file, read.text, format))
        : unreadableManifest(file, read.unreadable);
    const isKnown = world.has(file);
    const before = isKnown || isClean(manifest) ? world.entriesOf(file) : await readLastGood(directory, file);
    const content = fileContent(manifest, before);

    const wait = this.#isFirstList ? 0 : this.#doubt(file, manifest, text, content);
    const stamp = 'stamp' in read ? read.stamp : read.unreadable;
    if (wait > 0 && !this.#settling.isSettled(file, stamp, wait)) return;
    this.#settling.done(file);

    if (!isKnown && !isClean(manifest)) await lastGood?.adopt(file);
    if (content.entries.some(({ isHeld }) => isHeld)) this.#broken.add(file);
    else this.#broken.delete(file);
    world.setFile(file, content);
    lastGood?.update(file, text, format, content);
  }

  /** The file is not there. If it has not come back in a moment, it is gone; not so if the whole folder is missing. */
  vanish(file: string): void {
    const { world, lastGood, isRootMissing } = this.#options;
    if (!world.has(file)) {
      this.#settling.done(file);
      return;
    }
    if (!world.hasVanished(file)) world.vanish(file);
    if (!this.#settling.isSettled(file, 'vanished', vanishMilliseconds)) return;
    this.#settling.done(file);
    if (isRootMissing()) {
      this.#settling.isSettled(file, 'vanished', vanishMilliseconds);
      return;
    }
    this.#broken.delete(file);
    world.forget(file);
    lastGood?.forget(file);
  }

  [Symbol.dispose](): void {
    this.#settling[Symbol.dispose]();
  }

  /** Milliseconds that the text must stay unchanged before it is believed. */
  #doubt(file: string, manifest: Manifest, text: string | undefined, content: FileContent): number {
    const { world } = this.#options;
    if (!isClean(manifest)) return doubtMilliseconds;
    const present = new Set(content.entries.map(({ identity }) => idOf(identity)));
    const removes = world.entriesOf(file).some(({ identity }) => !present.has(idOf(identity)));
    if (removes) return doubtMilliseconds;
    const isJson = text?.startsWith('{') || file.endsWith('.json');
    const isOpen = text !== undefined && !isJson && !text.endsWith('\n');
    return isOpen && content.entries.length > 0 ? openLineMilliseconds : 0;
  }
}

/** True where every object is accepted and nothing else is wrong. */
const isClean = (manifest: Manifest): boolean =>
  manifest.whole &&
  manifest.objects.every(({ problems }) => !problems.some(({ severity }) => severity === 'error'));
