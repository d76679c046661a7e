// One controller works, the others stand by: whoever holds the lock is the one.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { tryLockFile } from '../linux/file-lock.ts';
import type { Clock } from './clock.ts';

export interface ControllerLock {
  /** The lock at once, or undefined while another has it. */
  tryAcquire(): Promise<Disposable | undefined>;
}

const retryMilliseconds = 200;

/** For a folder: the kernel frees it when its holder dies, however it dies. */
export const fileControllerLock = (path: string): ControllerLock => ({
  async tryAcquire() {
    await mkdir(dirname(path), { recursive: true });
    return tryLockFile(path);
  },
});

/** Waits for the lock; undefined if the signal aborts first. `standingBy` is told once, if there is anything to wait for. */
export async function acquire(
  lock: ControllerLock,
  clock: Clock,
  signal: AbortSignal,
  standingBy: () => void,
): Promise<Disposable | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const held = await lock.tryAcquire();
    if (held !== undefined) return held;
    if (attempt === 0) standingBy();
    await clock.sleep(retryMilliseconds, signal);
  }
  return undefined;
}
