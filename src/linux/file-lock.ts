// A lock that one process holds and the kernel frees when it dies, however it dies (flock(2)).
import { closeSync, openSync } from 'node:fs';
import { tryFlock } from './libc.ts';

/**
 * Takes the lock on `path`, which is created when missing. Undefined when another process holds it. Throws SystemError,
 * or Node's own error when the file cannot be opened.
 */
export function tryLockFile(path: string): Disposable | undefined {
  const fd = openSync(path, 'a', 0o600);
  try {
    if (tryFlock(fd)) return { [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}
