// Other people's BFD in the lab: FRR's bfdd and BIRD, to judge ours by and to measure beside it.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFrrDaemons } from './frr.ts';
import { until } from './gantry.ts';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

export interface RouterBfd {
  /** `up`, `down`, `init`, `admin-down`; undefined: it has no session with this peer. */
  stateOf(peer: string): string | undefined;
  /** Its daemons. */
  readonly processes: readonly ChildProcess[];
  /** The process that speaks BFD. */
  readonly speaker: ChildProcess;
}

export interface Frr extends RouterBfd {
  /** Commands of vtysh, in one go; returns what they print. Throws with FRR's words when one is refused. */
  run(...commands: readonly string[]): string;
  /** `show bfd peers json`. */
  peers(): FrrPeer[];
}

export interface FrrPeer {
  readonly peer: string;
  readonly local?: string;
  readonly status: string;
  readonly diagnostic: string;
  readonly 'remote-diagnostic': string;
  readonly 'receive-interval': number;
  readonly 'transmit-interval': number;
  readonly 'remote-receive-interval': number;
  readonly 'remote-transmit-interval': number;
  readonly 'remote-detect-multiplier': number;
  readonly 'echo-transmit-interval': number;
}

/** Starts zebra and bfdd on the host, with these lines of configuration (`bfd`, ` peer …`). */
export async function startFrr(lab: Lab, host: Host, configuration: readonly string[]): Promise<Frr> {
  const daemons = await startFrrDaemons(lab, host, { bfdd: configuration });
  const frr: Frr = {
    processes: daemons.processes,
    speaker: daemons.processOf('bfdd'),
    run: (...commands) => daemons.run('bfdd', ...commands),
    peers: () => JSON.parse(frr.run('show bfd peers json')) as FrrPeer[],
    stateOf(peer) {
      const status = frr.peers().find((one) => one.peer === peer)?.status;
      return status === 'shutdown' ? 'admin-down' : status;
    },
  };
  return frr;
}

export interface Bird extends RouterBfd {
  /** Takes these lines inside `protocol bfd { … }` in place of those before. */
  configure(lines: readonly string[]): void;
}

/** Starts BIRD on the host, with these lines inside `protocol bfd { … }`. */
export async function startBird(lab: Lab, host: Host, lines: readonly string[]): Promise<Bird> {
  const directory = join(lab.directory, `bird-${host.name}`);
  mkdirSync(directory);
  const path = join(directory, 'bird.conf');
  const socket = join(directory, 'bird.ctl');
  const write = (inside: readonly string[]): void =>
    writeFileSync(
      path,
      [
        'router id 192.0.2.254;',
        'protocol device { }',
        'protocol bfd bfd1 {',
        ...inside.map((line) => `  ${line}`),
        '}',
        '',
      ].join('\n'),
    );
  write(lines);
  const bird = host.spawn(['bird', '-f', '-c', path, '-s', socket], { log: `${host.name}-bird` });
  const ask = (command: string) =>
    host.exec(['birdc', '-s', socket, ...command.split(' ')], { mayFail: true });
  await until('BIRD answers', () => ask('show status').code === 0);
  return {
    processes: [bird],
    speaker: bird,
    configure(inside) {
      write(inside);
      const { stdout } = ask('configure');
      if (!/Reconfigured|in progress/.test(stdout)) throw new Error(`birdc configure: ${stdout}`);
    },
    stateOf(peer) {
      // 192.0.2.11  eth0  Up  2026-01-31 12:00:00  0.050  0.150
      const line = ask('show bfd sessions')
        .stdout.split('\n')
        .find((text) => text.split(/\s+/)[0] === peer);
      return line?.split(/\s+/)[2]?.toLowerCase().replace('admindown', 'admin-down');
    },
  };
}
