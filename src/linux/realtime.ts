// Precedence over other processes, for the process whose lateness looks like a node's death.
// Memory is not locked: V8 gives pages back by madvise(MADV_DONTNEED), which fails on locked ones, and then it aborts.
import { SystemError } from './errno.ts';
import { setFifoScheduling } from './libc.ts';

/**
 * Asks for SCHED_FIFO, at the lowest priority, for the calling thread alone. False when it is not allowed, or unknown
 * to the sandbox.
 */
export function becomeRealtime(): boolean {
  try {
    setFifoScheduling(1);
    return true;
  } catch (error) {
    if (error instanceof SystemError && ['EPERM', 'ENOSYS', 'EINVAL'].includes(error.code)) return false;
    throw error;
  }
}
