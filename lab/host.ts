// A host of the lab: one network namespace, with its links, its settings and the processes that run in it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNetworkNamespace } from '../src/linux/network-namespace.ts';
import { runIp } from './ip.ts';

export interface Host {
  readonly name: string;
  /** The namespace's path, as `nsenter --net` and `inNetworkNamespace` take it. */
  readonly namespace: string;
  /** Runs `ip` commands in the host, a line each; throws with ip's own words when one fails. */
  ip(...lines: readonly string[]): void;
  /** Sets `/proc/sys/net/NAME` in the host. */
  sysctl(name: string, value: string | number): void;
  /** Runs a command to its end; throws when it exits with another code than 0, unless `mayFail`. */
  exec(argv: readonly [string, ...string[]], options?: ExecOptions): ExecResult;
  /** Starts a process that lives until it ends, is killed, or the lab goes. stderr goes to a log file. */
  spawn(argv: readonly [string, ...string[]], options?: SpawnOptions): ChildProcess;
  /** What the processes started as `log` wrote to stderr (and stdout, where it was not asked for). */
  logPath(log: string): string;
  /** Runs synchronous work of this very process in the host's namespace. */
  inside<T>(work: () => T): T;
  /** Process ids of all that runs in the host, descendants included. */
  processes(): number[];
  /** Signals all of them, in one go. */
  signal(signal: NodeJS.Signals): void;
}

export interface ExecOptions {
  readonly input?: string;
  readonly mayFail?: boolean;
  readonly timeoutMilliseconds?: number;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  /** The log file's name; the host's name without it. */
  readonly log?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Gives the child a stdout pipe and a stdin pipe instead of the log file and nothing. */
  readonly pipe?: boolean;
}

/** Makes the namespace. Names and links are the caller's business. */
export function createHost(name: string, namespaceName: string, logs: string): Host {
  runIp([`netns add ${namespaceName}`]);
  const namespace = `/run/netns/${namespaceName}`;
  const enter = ['--net=' + namespace, '--'];
  const inode = statSync(namespace).ino;

  const host: Host = {
    name,
    namespace,
    ip: (...lines) => runIp(lines, namespaceName),
    inside: (work) => inNetworkNamespace(namespace, work),
    sysctl: (setting, value) => host.inside(() => writeFileSync(`/proc/sys/net/${setting}`, String(value))),
    exec(argv, { input = '', mayFail = false, timeoutMilliseconds = 30_000 } = {}) {
      const result = spawnSync('nsenter', [...enter, ...argv], {
        encoding: 'utf8',
        input,
        timeout: timeoutMilliseconds,
      });
      if (result.error !== undefined) throw result.error;
      const { status, stdout, stderr } = result;
      if (status !== 0 && !mayFail) {
        throw new Error(`${name}: ${argv.join(' ')} exited with ${status}: ${stderr}${stdout}`);
      }
      return { code: status ?? -1, stdout, stderr };
    },
    spawn(argv, { log = name, env = {}, pipe = false } = {}) {
      const file = openSync(host.logPath(log), 'a');
      const child = spawn('nsenter', [...enter, ...argv], {
        stdio: pipe ? ['pipe', 'pipe', file] : ['ignore', file, file],
        env: { ...process.env, ...env },
      });
      closeSync(file);
      return child;
    },
    logPath: (log) => join(logs, `${log}.log`),
    processes: () =>
      readdirSync('/proc')
        .filter((entry) => /^\d+$/.test(entry) && networkNamespaceOf(entry) === `net:[${inode}]`)
        .map(Number),
    signal(signal) {
      for (const pid of host.processes()) {
        try {
          process.kill(pid, signal);
        } catch (error) {
          // It ended meanwhile.
          if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
        }
      }
    },
  };
  return host;
}

/** Undefined for a process that is gone or already a zombie. */
function networkNamespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
