// A wall clock that a test may set, for a program of the lab: no namespace of the kernel gives a process one of its own.
// The steady clock goes on as it does.
import { globSync, writeFileSync } from 'node:fs';

export interface WallClock {
  /** For the program's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds that it is ahead of the machine's from now on. */
  set(aheadSeconds: number): void;
}

/** `file` holds how far it is ahead. Throws where libfaketime is not installed. */
export function createWallClock(file: string): WallClock {
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
  if (library === undefined) throw new Error('libfaketime is not installed: make setup installs it');
  const set = (aheadSeconds: number): void => writeFileSync(file, `+${aheadSeconds}`);
  set(0);
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
  };
}
