// Remembers over a restart of the agent, but not of the machine, that peers keep routes of ours meanwhile.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface RestartMarker {
  /** An agent of this node had sessions with graceful restart, and the kernel has forwarded ever since. */
  readonly isSet: boolean;
  set(isSet: boolean): void;
}

/** A file in the run directory, which a reboot empties. */
export function restartMarker(runDirectory: string): RestartMarker {
  const path = join(runDirectory, 'bgp-graceful-restart');
  let isSet = existsSync(path);
  const wasSet = isSet;
  return {
    isSet: wasSet,
    set(next) {
      if (next === isSet) return;
      isSet = next;
      if (!next) return rmSync(path, { force: true });
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    },
  };
}
