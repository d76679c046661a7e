// Other people's BFD in the lab: FRR's bfdd and BIRD, to judge ours by and to measure beside it.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  const directory = join(lab.directory, `frr-${host.name}`);
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  chmodSync(lab.directory, 0o755);
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(directory, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const zserv = join(directory, 'zserv.api');
  // Root is in no group of FRR's, unless that is the group it runs as.
  const common = (name: string, lines: readonly string[]): string[] => [
    ...['-u', 'root', '-g', 'frrvty', '--vty_socket', directory, '-z', zserv, '-A', '127.0.0.1'],
    ...[
      '-P',
      '0',
      '-i',
      join(directory, `${name}.pid`),
      '-f',
      file(`${name}.conf`, lines),
      '--log',
      'stdout',
    ],
  ];
  const zebra = host.spawn(['/usr/lib/frr/zebra', ...common('zebra', [])], { log: `${host.name}-zebra` });
  await until('zebra answers', () => ask(['show version'], 'zebra').code === 0);
  const control = join(directory, 'bfdd.sock');
  const bfdd = host.spawn(
    ['setsid', '/usr/lib/frr/bfdd', ...common('bfdd', configuration), '--bfdctl', control],
    {
      log: `${host.name}-bfdd`,
    },
  );
  function ask(commands: readonly string[], daemon: string) {
    const argv = commands.flatMap((command) => ['-c', command]);
    return host.exec(['vtysh', '--vty_socket', directory, '-d', daemon, ...argv], { mayFail: true });
  }
  await until('bfdd answers', () => ask(['show version'], 'bfdd').code === 0);

  const frr: Frr = {
    processes: [zebra, bfdd],
    speaker: bfdd,
    run(...commands) {
      const { code, stdout, stderr } = ask(commands, 'bfdd');
      if (code !== 0 || stdout.includes('% '))
        throw new Error(`vtysh: ${commands.join('; ')}: ${stdout}${stderr}`);
      return stdout;
    },
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
