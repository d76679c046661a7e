// One manifest file: its bytes under a size limit, its objects, and those that stay from its last good text.
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Manifest, ManifestObject, Position } from '../api/manifest.ts';
import { type Identity, idOf } from '../api/parse-object.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Change } from '../model/world.ts';
import { fileProblem } from './folder-problem.ts';
import { attempt } from './folder-walk.ts';

export const largestFileBytes = 16 * 1024 * 1024;

export type FileText =
  | { readonly text: string; readonly stamp: string }
  | { readonly missing: true }
  /** The rule that the file breaks. */
  | { readonly unreadable: string };

/** Reads a whole file at once; manifests are small, and a local file system answers without delay. */
export function readFileText(path: string): FileText {
  const file = attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (typeof file === 'string') {
    if (file === 'ENOENT' || file === 'ENOTDIR') return { missing: true };
    return { unreadable: `This file cannot be read (${file}): give Gantry access.` };
  }
  try {
    return readOpenFile(file);
  } finally {
    closeSync(file);
  }
}

function readOpenFile(file: number): FileText {
  const stat = fstatSync(file);
  if (!stat.isFile()) return { unreadable: 'A manifest must be a regular file: remove this one.' };
  const tooLarge = {
    unreadable: `A manifest must be smaller than ${largestFileBytes / 1024 / 1024} MiB: split it into several files.`,
  };
  if (stat.size > largestFileBytes) return tooLarge;
  // One byte more than expected tells a file that grows meanwhile; its writer will be heard of again.
  const buffer = Buffer.allocUnsafe(stat.size + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(file, buffer, length, buffer.length - length, length);
    if (count === 0) break;
    length += count;
  }
  const bytes = buffer.subarray(0, length);
  if (!isUtf8(bytes)) return { unreadable: 'A manifest must be UTF-8 text: convert it.' };
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  return { text, stamp: `${stat.ino}:${stat.size}:${stat.mtimeMs}` };
}

/** A file of which nothing can be told. */
export const unreadableManifest = (file: string, rule: string): Manifest => ({
  objects: [],
  problems: [fileProblem(file, rule, 'error')],
  whole: false,
});

/** One object as a file has it. */
export interface FileEntry {
  readonly identity: Identity;
  /** What is in force by this file; undefined where it is not valid and never was. */
  readonly change: Change | undefined;
  readonly creationTimestamp: string | undefined;
  readonly position: Position;
  /** True where `change` is from an earlier text: the present one is broken. */
  readonly isHeld: boolean;
}

export interface FileContent {
  readonly entries: readonly FileEntry[];
  readonly problems: readonly ObjectProblem[];
}

/**
 * The content of a file from its present text, with the objects of `before` where the present text is broken: an
 * object that is not valid any more, and all that are missing where a document cannot be told at all.
 */
export function fileContent(manifest: Manifest, before: readonly FileEntry[]): FileContent {
  const earlier = new Map(before.map((entry) => [idOf(entry.identity), entry]));
  const entries = new Map<string, FileEntry>();
  const problems: ObjectProblem[] = [];
  for (const object of manifest.objects) {
    const id = idOf(object.identity);
    const entry = entryOf(object, earlier.get(id));
    if (entry !== undefined) entries.set(id, entry);
    problems.push(...(entry?.isHeld ? object.problems.map(staysInForce) : object.problems));
  }
  const missing = manifest.whole
    ? []
    : [...earlier].filter(([id, entry]) => !entries.has(id) && entry.change);
  for (const [id, entry] of missing) entries.set(id, { ...entry, isHeld: true });
  problems.push(...(missing.length > 0 ? manifest.problems.map(staysInForce) : manifest.problems));
  return { entries: [...entries.values()], problems };
}

/** Undefined for an object that is valid and has nothing in it for us. */
function entryOf(object: ManifestObject, before: FileEntry | undefined): FileEntry | undefined {
  const { parsed, identity, position } = object;
  const { change, creationTimestamp } = parsed;
  if (change !== undefined) return { identity, change, creationTimestamp, position, isHeld: false };
  if (!object.problems.some(({ severity }) => severity === 'error')) return undefined;
  if (before?.change !== undefined) return { ...before, position, isHeld: true };
  return { identity, change, creationTimestamp, position, isHeld: false };
}

/** Adds to an error that the object is still in force, as it was. */
const staysInForce = (problem: ObjectProblem): ObjectProblem =>
  problem.severity === 'warning'
    ? problem
    : { ...problem, rule: `${problem.rule} The last accepted version stays in force.` };
