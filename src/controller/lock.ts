// One controller works, the others stand by: whoever holds the lock is the one.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tryLockFile } from '../linux/file-lock.ts';
import { statusFolder } from '../sources/folder-layout.ts';
import type { Clock } from './clock.ts';

export interface ControllerLock {
  /** The lock at once, or undefined while another has it, or none can be had. Given up by disposing. */
  tryAcquire(signal: AbortSignal): Promise<HeldLock | undefined>;
}

export interface HeldLock extends AsyncDisposable {
  /** Aborts when it is known that another may have it by now; undefined: it cannot be lost. */
  readonly lost?: AbortSignal;
}

const retryMilliseconds = 200;

/** For a folder, which must exist: the kernel frees the lock when its holder dies, however it dies. */
export const folderControllerLock = (directory: string): ControllerLock => ({
  async tryAcquire() {
    const path = join(directory, statusFolder, 'controller.lock');
    await makeFolder(dirname(path));
    const held = tryLockFile(path);
    return held && { [Symbol.asyncDispose]: async () => held[Symbol.dispose]() };
  },
});

/** Not its parents: a folder of manifests that is missing may be one that is not mounted yet. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Waits for the lock; undefined if the signal aborts first. `standingBy` is told once, if there is anything to wait for. */
export async function acquire(
  lock: ControllerLock,
  clock: Clock,
  signal: AbortSignal,
  standingBy: () => void,
): Promise<HeldLock | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const held = await lock.tryAcquire(signal);
    if (held !== undefined) return held;
    if (attempt === 0) standingBy();
    await clock.sleep(retryMilliseconds, signal);
  }
  return undefined;
}
