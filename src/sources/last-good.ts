// The last good form of objects whose file broke, kept below `.status/last-good/` so that a restart does not lose them.
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type ManifestFormat, rawObjects, readManifest } from '../api/manifest.ts';
import { idOf } from '../api/parse-object.ts';
import type { RawObject } from '../api/record.ts';
import { isMissing, readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { lastGoodFolder } from './folder-layout.ts';
import { type FileContent, type FileEntry, fileContent } from './manifest-file.ts';
import { finish } from './slice.ts';

/** What was kept for a manifest file, as entries that its present text can fall back to; empty where nothing was. */
export async function readLastGood(directory: string, file: string): Promise<readonly FileEntry[]> {
  const text = await readIfPresent(pathOf(directory, file));
  if (text === undefined) return [];
  return fileContent(finish(readManifest(file, text, 'json')), []).entries;
}

/** Passwords are not copied to where others may read: a Secret that broke is missing after a restart. */
const isKept = ({ isHeld, identity }: FileEntry): boolean => isHeld && identity.kind !== 'Secret';

const pathOf = (directory: string, file: string): string => join(directory, lastGoodFolder, `${file}.json`);

interface Present {
  readonly text: string;
  readonly format: ManifestFormat;
}

/** Keeps the text of every file in memory, because when a file breaks its last good text is gone from the disk. */
export class LastGoodStore {
  readonly #directory: string;
  readonly #wrote: (file: string, error: unknown) => void;
  readonly #present = new Map<string, Present>();
  /** By file and object, what is written below `.status/last-good/`. */
  readonly #held = new Map<string, ReadonlyMap<string, RawObject>>();
  #writes: Promise<void> = Promise.resolve();

  /** `wrote` hears of each file whose last good form was written or removed, or of the error that hindered it. */
  constructor(directory: string, wrote: (file: string, error: unknown) => void) {
    this.#directory = directory;
    this.#wrote = wrote;
  }

  /** A file has a new text (undefined where it cannot be read), of which `content` was made. */
  update(file: string, text: string | undefined, format: ManifestFormat, content: FileContent): void {
    const wanted = new Set(content.entries.filter(isKept).map(({ identity }) => idOf(identity)));
    if (wanted.size > 0 || this.#held.has(file)) this.#hold(file, wanted);
    if (text !== undefined) this.#present.set(file, { text, format });
  }

  /** The file is gone for good, and so is what was kept for it. */
  forget(file: string): void {
    this.#present.delete(file);
    this.#held.delete(file);
    this.#queue(file, () => removeFile(pathOf(this.#directory, file), 'durable'));
  }

  /** Takes over what an earlier process kept for a file, before the file's first `update`. */
  async adopt(file: string): Promise<void> {
    const text = await readIfPresent(pathOf(this.#directory, file));
    if (text === undefined) return;
    this.#held.set(file, rawByIdentity({ text, format: 'json' }));
  }

  /** Removes what was kept for files that are not there any more. */
  async removeOrphans(files: { has(file: string): boolean }): Promise<void> {
    const root = join(this.#directory, lastGoodFolder);
    for (const path of await filesBelow(root)) {
      const file = relative(root, path).replace(/\.json$/, '');
      if (!files.has(file)) this.forget(file);
    }
  }

  /** Resolves when everything asked for so far is on the disk, or was reported as failed. */
  idle(): Promise<void> {
    return this.#writes;
  }

  #hold(file: string, wanted: ReadonlySet<string>): void {
    const before = this.#held.get(file) ?? new Map<string, RawObject>();
    const present = this.#present.get(file);
    const fresh = present === undefined ? new Map<string, RawObject>() : rawByIdentity(present);
    const held = new Map<string, RawObject>();
    for (const id of wanted) {
      const raw = fresh.get(id) ?? before.get(id);
      if (raw !== undefined) held.set(id, raw);
    }
    if (held.size === 0) {
      this.#held.delete(file);
      this.#queue(file, () => removeFile(pathOf(this.#directory, file), 'durable'));
      return;
    }
    this.#held.set(file, held);
    const list = { apiVersion: 'v1', kind: 'List', items: [...held.values()] };
    const content = `${JSON.stringify(list, undefined, 2)}\n`;
    this.#queue(file, () => writeAtomically(pathOf(this.#directory, file), content, 'durable'));
  }

  /** One after the other: files break seldom, and in the order they broke. */
  #queue(file: string, write: () => Promise<void>): void {
    this.#writes = this.#writes.then(write).then(
      () => this.#wrote(file, undefined),
      (error: unknown) => this.#wrote(file, error),
    );
  }
}

/** The raw form of the valid objects in a text. */
function rawByIdentity({ text, format }: Present): Map<string, RawObject> {
  const raws = new Map<string, RawObject>();
  for (const { raw, parsed } of rawObjects(text, format)) {
    if (parsed.identity !== undefined && parsed.change !== undefined) raws.set(idOf(parsed.identity), raw);
  }
  return raws;
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
