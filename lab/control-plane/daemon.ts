// A long-lived program on a lab host that can be killed and started again with the same command line.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Host } from '../host.ts';

export interface Daemon {
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  start(): void;
  /** SIGKILL, as a crash; resolves when it is gone. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Throws, with the end of its log, if it ended by itself. */
  check(): void;
}

export function createDaemon(host: Host, name: string, argv: readonly [string, ...string[]]): Daemon {
  let child: ChildProcess | undefined;
  return {
    name,
    get pid() {
      return child?.pid;
    },
    start() {
      if (child !== undefined) throw new Error(`${name} runs already`);
      child = host.spawn(argv, { log: name });
    },
    async kill() {
      if (child === undefined) return;
      const [dying] = [child];
      child = undefined;
      if (hasEnded(dying)) return;
      dying.kill('SIGKILL');
      await once(dying, 'exit');
    },
    signal: (signal) => child?.kill(signal),
    check() {
      if (child === undefined || !hasEnded(child)) return;
      const lines = readFileSync(host.logPath(name), 'utf8').trimEnd().split('\n');
      throw new Error(`${name} ended by itself:\n${lines.slice(-15).join('\n')}`);
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;
