// FRR's daemons on a host of the lab: zebra, and those that are asked for, each with its lines of configuration.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './gantry.ts';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

export interface FrrDaemons {
  readonly processes: readonly ChildProcess[];
  processOf(daemon: FrrDaemon): ChildProcess;
  /** Commands of vtysh, in one go; returns what they print. Throws with FRR's words when one is refused. */
  run(daemon: FrrDaemon | 'zebra', ...commands: readonly string[]): string;
  /** The command line that runs one of vtysh's commands, for people. */
  commandLine(daemon: FrrDaemon | 'zebra', command: string): string;
}

export type FrrDaemon = 'bgpd' | 'bfdd';

/** Why FRR cannot be started here, as a sentence with what to do; undefined where it can. */
export function missingFrr(isThere: (path: string) => boolean = existsSync): string | undefined {
  const needed = [...['zebra', 'bgpd', 'bfdd'].map((name) => `${daemonFolder}/${name}`), '/usr/bin/vtysh'];
  const missing = needed.filter((path) => !isThere(path));
  if (missing.length === 0) return undefined;
  return `FRR is the router of this demo, and is not installed (no ${missing.join(', ')}): apt-get install frr, or leave --mode bgp out`;
}

const daemonFolder = '/usr/lib/frr';

export async function startFrrDaemons(
  lab: Lab,
  host: Host,
  configurations: Readonly<Partial<Record<FrrDaemon, readonly string[]>>>,
): Promise<FrrDaemons> {
  const directory = join(lab.directory, `frr-${host.name}`);
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  chmodSync(lab.directory, 0o755);
  const argumentsOf = (name: string, lines: readonly string[]): string[] => {
    const path = join(directory, `${name}.conf`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    // Root is in no group of FRR's, unless that is the group it runs as.
    return [
      ...['-u', 'root', '-g', 'frrvty', '--vty_socket', directory, '-z', join(directory, 'zserv.api')],
      ...['-A', '127.0.0.1', '-P', '0', '-i', join(directory, `${name}.pid`), '-f', path],
      ...['--log', 'stdout'],
    ];
  };
  const ask = (daemon: string, commands: readonly string[]) => {
    const argv = commands.flatMap((command) => ['-c', command]);
    return host.exec(['vtysh', '--vty_socket', directory, '-d', daemon, ...argv], { mayFail: true });
  };
  const start = async (name: string, argv: readonly string[]): Promise<ChildProcess> => {
    const child = host.spawn(['setsid', `${daemonFolder}/${name}`, ...argv], { log: `${host.name}-${name}` });
    await until(`${name} answers`, () => ask(name, ['show version']).code === 0, 20_000);
    return child;
  };

  const zebra = await start('zebra', argumentsOf('zebra', []));
  const started = new Map<FrrDaemon, ChildProcess>();
  const { bgpd, bfdd } = configurations;
  if (bfdd !== undefined) {
    const control = ['--bfdctl', join(directory, 'bfdd.sock')];
    started.set('bfdd', await start('bfdd', [...argumentsOf('bfdd', bfdd), ...control]));
  }
  if (bgpd !== undefined) started.set('bgpd', await start('bgpd', argumentsOf('bgpd', bgpd)));

  return {
    processes: [zebra, ...started.values()],
    processOf(daemon) {
      const process = started.get(daemon);
      if (process === undefined) throw new Error(`${daemon} was not started on ${host.name}`);
      return process;
    },
    run(daemon, ...commands) {
      const { code, stdout, stderr } = ask(daemon, commands);
      if (code !== 0 || stdout.includes('% '))
        throw new Error(`vtysh: ${commands.join('; ')}: ${stdout}${stderr}`);
      return stdout;
    },
    commandLine: (daemon, command) => `vtysh --vty_socket ${directory} -d ${daemon} -c '${command}'`,
  };
}
