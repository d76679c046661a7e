// Precedence over other processes, for the one whose lateness looks like a node's death.
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

const mostFavoured = -20;

/**
 * Makes all of this process's threads the most favoured of ordinary ones. Not SCHED_FIFO: V8's main thread waits busily
 * for its helpers, and would keep them from the CPU, and itself, until the kernel's limit for real-time threads ends it
 * after 0.95 s. So helpers are favoured as well. False when it is not allowed.
 */
export function takePrecedence(): boolean {
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      setPriority(Number(thread), mostFavoured);
    } catch (error) {
      const cause = systemCodeOf(error);
      if (cause === 'EACCES' || cause === 'EPERM') return false;
      // A thread may have ended meanwhile.
      if (cause !== 'ESRCH') throw error;
    }
  }
  return true;
}

/** What the system said, as Node's `SystemError` has it. */
function systemCodeOf(error: unknown): unknown {
  const info = error instanceof Error && 'info' in error ? error.info : undefined;
  return typeof info === 'object' && info !== null && 'code' in info ? info.code : undefined;
}
