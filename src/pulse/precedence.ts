// Precedence over other processes, and code that is never elsewhere, for the one whose lateness looks like a node's
// death.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { SystemError } from '../linux/errno.ts';
import { lockPages } from '../linux/libc.ts';

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
  favourSession();
  return true;
}

/**
 * Where the kernel shares the CPUs between sessions first, and only within each by niceness (sched(7), autogroup), a busy
 * session holds up whoever is most favoured in another. So this process's session is favoured as well, where it is its
 * own: as that of a service or of a container's first process is.
 */
function favourSession(): void {
  const [, fields = ''] = readFileSync('/proc/self/stat', 'latin1').split(') ');
  // State, parent, process group, session (proc_pid_stat(5)).
  if (Number(fields.split(' ')[3]) !== process.pid) return;
  try {
    writeFileSync('/proc/self/autogroup', String(mostFavoured));
  } catch (error) {
    // Kernels without it share by niceness alone; and some hold such files read-only, as containers do.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!['ENOENT', 'EPERM', 'EACCES', 'EROFS', 'EAGAIN', 'EINVAL'].includes(String(code))) throw error;
  }
}

/**
 * Keeps the program's code in memory once it was used: under memory pressure the kernel drops it first, since it can read
 * it again. Not all memory, by mlockall(2): V8 gives pages back with madvise(2), and ends where that fails, as it does
 * for locked ones. False when it is not allowed.
 */
export function keepCodeInMemory(): boolean {
  try {
    for (const [start, end] of codeRanges(readFileSync('/proc/self/maps', 'latin1')))
      lockPages(start, Number(end - start));
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** Where files are mapped to be run, of `/proc/PID/maps`. */
const codeRanges = (maps: string): (readonly [start: bigint, end: bigint])[] =>
  [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+ +\//gm)].map(
    ([, start = '', end = '']) => [BigInt(`0x${start}`), BigInt(`0x${end}`)] as const,
  );

/** What the system said, as Node's `SystemError` has it. */
function systemCodeOf(error: unknown): unknown {
  const info = error instanceof Error && 'info' in error ? error.info : undefined;
  return typeof info === 'object' && info !== null && 'code' in info ? info.code : undefined;
}
