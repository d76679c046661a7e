// A host of the lab: one network namespace, with its links, its settings and the processes that run in it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNetworkNamespace } from '../src/linux/network-namespace.ts';
import { runIp } from './ip.ts';
import { type Cable, unplugAll } from './segment.ts';

export interface Host {
  readonly name: string;
  /** The namespace's path, as `nsenter --net` and `inNetworkNamespace` take it. */
  readonly namespace: string;
  /** By the interface's name. */
  readonly cables: Map<string, Cable>;
  /** What runs on this node in namespaces of its own, and dies with it. */
  readonly pods: Host[];
  /** Runs `ip` commands in the host, a line each; throws with ip's own words when one fails. */
  ip(...lines: readonly string[]): void;
  /** Sets `/proc/sys/net/NAME` in the host. */
  sysctl(name: string, value: string | number): void;
  /** Runs a command to its end; throws when it exits with another code than 0, unless `mayFail`. */
  exec(argv: readonly [string, ...string[]], options?: ExecOptions): ExecResult;
  /** Starts a process that lives until it ends, is killed, or the lab goes. */
  spawn(argv: readonly [string, ...string[]], options?: SpawnOptions): ChildProcess;
  /** What the processes started as `log` wrote to stderr (and stdout, where it was not asked for). */
  logPath(log: string): string;
  /** Runs synchronous work of this very process in the host's namespace. */
  inside<T>(work: () => T): T;
  /** Process ids of all that runs in the host, descendants included; its pods are hosts of their own. */
  processes(): number[];
  /** Signals all of them, and those they start meanwhile. */
  signal(signal: NodeJS.Signals): void;
  /** Stops all its processes where they are, as a machine that hangs; its kernel still forwards. `thaw` lets them go on. */
  freeze(): void;
  thaw(): void;
  /** Its cables pulled and every process of it and of its pods killed, at once: what a power failure looks like. */
  powerOff(): void;
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
  const enter = [`--net=${namespace}`, '--'];
  const inode = statSync(namespace).ino;

  const host: Host = {
    name,
    namespace,
    cables: new Map(),
    pods: [],
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
      // Also when this process is killed and leaves `lab/enter` behind, its hosts' processes go.
      const child = spawn('nsenter', [...enter, 'setpriv', '--pdeathsig', 'KILL', ...argv], {
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
      const told = new Set<number>();
      for (;;) {
        const fresh = host.processes().filter((pid) => !told.has(pid));
        if (fresh.length === 0) return;
        for (const pid of fresh) {
          told.add(pid);
          signalProcess(pid, signal);
        }
      }
    },
    freeze: () => host.signal('SIGSTOP'),
    thaw: () => host.signal('SIGCONT'),
    powerOff() {
      unplugAll([...host.cables.values()]);
      for (const each of [host, ...host.pods]) each.signal('SIGKILL');
    },
  };
  return host;
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Undefined for a process that is gone or already a zombie. */
function networkNamespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
