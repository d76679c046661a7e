// The objects that a source told last, in a file: changes are appended as they come, and now and then all is written anew.
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { idOf } from '../api/parse-object.ts';
import type { Change } from '../model/world.ts';

/** Changes that follow the objects, in bytes, before all is written anew: at least this, and as much as the objects. */
const leastAppendedBytes = 4 << 20;

/** Objects that are written at once, before others get their turn. */
const objectsAtOnce = 200;

/** After a failure it is tried again with the first change after so long. */
const retryMilliseconds = 30_000;

/** Length and CRC-32 of what follows. */
const headerBytes = 8;

/**
 * The objects in the file, by id, if this version of the program wrote it. Undefined where there is none. What follows a
 * broken place, as a machine that lost its power leaves one, is left out. Throws what else the file system throws.
 */
export function readSnapshot(path: string, version: string): Map<string, Change> | undefined {
  const [first, ...rest] = framesOf(readIfThere(path));
  if (first === undefined || deserialize(first) !== version) return undefined;
  const objects = new Map<string, Change>();
  for (const frame of rest) keep(objects, deserialize(frame) as readonly Change[]); // of this version, and whole
  return objects;
}

export interface SnapshotWriter extends Disposable {
  put(changes: readonly Change[]): void;
}

export interface SnapshotWriterOptions {
  readonly path: string;
  readonly version: string;
  /** Told once, until it works again. */
  readonly failed: (error: unknown) => void;
}

/** Begins with no objects; the file is replaced once the first are there. */
export function createSnapshotWriter({ path, version, failed }: SnapshotWriterOptions): SnapshotWriter {
  const objects = new Map<string, Change>();
  let file: number | undefined;
  let objectBytes = 0;
  let appendedBytes = 0;
  /** What came while all is being written; undefined: it is not. */
  let meanwhile: Change[] | undefined;
  let failedAt: number | undefined;
  let isClosed = false;

  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };

  const fail = (error: unknown): void => {
    close();
    if (failedAt === undefined) failed(error);
    failedAt = performance.now();
  };

  const append = (changes: readonly Change[]): void => {
    if (file === undefined) return;
    const bytes = frameOf(changes);
    writeSync(file, bytes);
    appendedBytes += bytes.length;
  };

  /** Where it fails half-way the file of before stays. */
  const writeAll = async (): Promise<void> => {
    close();
    meanwhile = [];
    const temporary = `${path}.new`;
    mkdirSync(dirname(path), { recursive: true });
    file = openSync(temporary, 'w', 0o600);
    writeSync(file, frameOf(version));
    appendedBytes = 0;
    const all = [...objects.values()];
    for (let from = 0; from < all.length && !isClosed; from += objectsAtOnce) {
      append(all.slice(from, from + objectsAtOnce));
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (isClosed) return;
    objectBytes = appendedBytes;
    appendedBytes = 0;
    append(meanwhile);
    renameSync(temporary, path);
    failedAt = undefined;
  };

  const isRested = (): boolean => failedAt === undefined || performance.now() - failedAt > retryMilliseconds;

  return {
    put(changes) {
      keep(objects, changes);
      if (meanwhile !== undefined) {
        meanwhile.push(...changes);
        return;
      }
      try {
        append(changes);
      } catch (error) {
        fail(error);
      }
      const isLong = appendedBytes > Math.max(leastAppendedBytes, objectBytes);
      if ((file !== undefined && !isLong) || !isRested()) return;
      void writeAll()
        .catch(fail)
        .finally(() => {
          meanwhile = undefined;
          if (isClosed) close();
        });
    },
    [Symbol.dispose]() {
      isClosed = true;
      if (meanwhile === undefined) close();
    },
  };
}

function keep(objects: Map<string, Change>, changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.object === undefined) objects.delete(idOf(change));
    else objects.set(idOf(change), change);
  }
}

function frameOf(value: unknown): Buffer {
  const content = serialize(value);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(content.length, 0);
  header.writeUInt32LE(crc32(content), 4);
  return Buffer.concat([header, content]);
}

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const content = bytes.subarray(at + headerBytes, at + headerBytes + bytes.readUInt32LE(at));
    if (content.length < bytes.readUInt32LE(at) || crc32(content) !== bytes.readUInt32LE(at + 4)) break;
    frames.push(content);
    at += headerBytes + content.length;
  }
  return frames;
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
