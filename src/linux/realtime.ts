// Precedence over other processes and no page faults, for the process whose lateness looks like a node's death.
import { SystemError } from './errno.ts';
import { lockMemory, setFifoScheduling } from './libc.ts';

export interface Realtime {
  /** SCHED_FIFO was granted. */
  readonly scheduling: boolean;
  /** Memory is locked. */
  readonly memory: boolean;
}

/** Asks for SCHED_FIFO at the lowest priority and for locked memory; what is not allowed is told, not thrown. */
export const becomeRealtime = (): Realtime => ({
  scheduling: isAllowed(() => setFifoScheduling(0, 1)),
  memory: isAllowed(lockMemory),
});

function isAllowed(ask: () => void): boolean {
  try {
    ask();
    return true;
  } catch (error) {
    // ENOMEM: beyond RLIMIT_MEMLOCK. ENOSYS, EINVAL: a sandbox without the call.
    if (error instanceof SystemError && ['EPERM', 'ENOMEM', 'ENOSYS', 'EINVAL'].includes(error.code))
      return false;
    throw error;
  }
}
