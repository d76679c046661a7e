// Work in another network namespace: sockets made there stay there.
import { closeSync, openSync } from 'node:fs';
import { setNetworkNamespace } from './libc.ts';

/**
 * Runs `work`, which must not wait, in the namespace that `path` names (`/proc/PID/ns/net`, `/run/netns/NAME`), and
 * returns to the one before, whatever happens. For the main thread only. Throws SystemError without CAP_SYS_ADMIN.
 */
export function inNetworkNamespace<T>(path: string, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(path, 'r');
    try {
      setNetworkNamespace(there);
    } finally {
      closeSync(there);
    }
    try {
      return work();
    } finally {
      setNetworkNamespace(home);
    }
  } finally {
    closeSync(home);
  }
}
