// A failed system call: which one, and the kernel's reason by its usual name.
import { getSystemErrorName } from 'node:util';

export class SystemError extends Error {
  /** `EPERM`, `ENOBUFS` … */
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, detail?: string) {
    const code = errno > 0 ? errnoName(errno) : 'UNKNOWN';
    super(detail === undefined || detail === '' ? `${syscall}: ${code}` : `${syscall}: ${code}: ${detail}`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The symbolic name of a positive errno; `Unknown system error N` for one that libuv does not know. */
export const errnoName = (errno: number): string => getSystemErrorName(-errno);
