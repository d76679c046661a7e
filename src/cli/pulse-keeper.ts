// Starts a pulse beside a standalone Gantry: a process of its own, which outlives this one.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, LogLevel } from '../observe/log.ts';

export interface PulseKeeperOptions {
  readonly runDirectory: string;
  readonly logLevel: LogLevel;
  readonly log: Log;
}

export interface PulseKeeper {
  /** Nobody answers on pulse's socket: starts one, unless the last one was started a moment ago or still runs. */
  start(): void;
}

const againMilliseconds = 1000;

export function createPulseKeeper({ runDirectory, logLevel, log }: PulseKeeperOptions): PulseKeeper {
  let isRunning = false;
  let mayStartAt = 0;

  const start = (): void => {
    mkdirSync(runDirectory, { recursive: true });
    // Not our own standard error: it may be a pipe, and must not end pulse when we end.
    const logFile = join(runDirectory, 'pulse.log');
    const output = openSync(logFile, 'a');
    const [program, main] = [process.execPath, process.argv[1] ?? ''];
    const child = spawn(program, [main, 'pulse', '--run-dir', runDirectory, '--log-level', logLevel], {
      detached: true,
      stdio: ['ignore', 'ignore', output],
    });
    closeSync(output);
    isRunning = true;
    child.unref();
    log.info('pulse-started', { pid: child.pid, log: logFile });
    child.once('error', (error) => {
      isRunning = false;
      log.error('pulse-not-started', { error, next: `Check that ${program} may be run.` });
    });
    child.once('exit', (code, signal) => {
      isRunning = false;
      log.warn('pulse-ended', { code, signal, next: `Look into ${logFile}; it is started again.` });
    });
  };

  return {
    start() {
      if (isRunning || performance.now() < mayStartAt) return;
      mayStartAt = performance.now() + againMilliseconds;
      start();
    },
  };
}
