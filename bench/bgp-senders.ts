// Who sends routes in benches of BGP: our speaker, its own bytes replayed, BIRD with static routes, and GoBGP, which passes on
// what a speaker of ours has told it (its command adds one route at a time, which takes minutes).
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import type { Lab } from '../lab/lab.ts';
import { cpuSeconds } from './process.ts';

export type Kind = 'shared' | 'distinct';

export interface SendersOptions {
  readonly lab: Lab;
  readonly host: Host;
  readonly routes: number;
  readonly kind: Kind;
  /** `address` is this host's. */
  readonly own: { readonly address: string; readonly asn: number };
  readonly peer: { readonly name: string; readonly address: string; readonly asn: number };
}

export interface Sender {
  readonly name: string;
  /** Begins the session, with all routes. */
  announce(): void;
  /** Undefined: it cannot without its session. */
  readonly withdraw: (() => void) | undefined;
  /** Ends the session. */
  end(): void;
  /** Milliseconds of CPU since `announce`, once all is sent. */
  cpuMilliseconds(): Promise<number>;
}

/** One of our small programs: told commands, it answers each with its CPU time so far. */
interface Program {
  readonly child: ChildProcess;
  command(text: string): void;
  /** Milliseconds of CPU, the next time that it tells. */
  told(): Promise<number>;
}

const scriptIn = (name: string): string => join(import.meta.dirname, name);

async function startProgram(
  host: Host,
  script: string,
  ...rest: readonly string[]
): Promise<[Program, number]> {
  const child = host.spawn([process.execPath, scriptIn(script), ...rest], { pipe: true, log: script });
  if (child.stdout === null) throw new Error('there is no pipe');
  const lines: Interface = createInterface({ input: child.stdout });
  const program: Program = {
    child,
    command: (text) => void child.stdin?.write(`${text}\n`),
    told: async () => Number((await once(lines, 'line'))[0]),
  };
  return [program, await program.told()];
}

export const startOwnSender = (options: SendersOptions): Promise<Sender> =>
  programSender('Gantry', options.host, 'bgp-sender.ts', speakerArguments(options));

export const startReplay = (options: SendersOptions, file: string): Promise<Sender> =>
  programSender('the same bytes, ready-made', options.host, 'bgp-replay.ts', [
    'replay',
    options.peer.address,
    file,
  ]);

const speakerArguments = ({ peer, own, routes, kind }: SendersOptions): string[] => [
  peer.address,
  '179',
  String(own.asn),
  String(routes),
  kind,
];

async function programSender(
  name: string,
  host: Host,
  script: string,
  words: readonly string[],
): Promise<Sender> {
  const [program, before] = await startProgram(host, script, ...words);
  let told = Promise.resolve(before);
  return {
    name,
    announce() {
      told = program.told();
      program.command('announce');
    },
    withdraw: () => {
      told = program.told();
      program.command('withdraw');
    },
    end: () => void program.child.kill('SIGKILL'),
    cpuMilliseconds: async () => (await told) - before,
  };
}

/** What our speaker says to the peer, in a file. `isDone` asks whether the peer has it all, or nothing any more. */
export async function recordSession(
  options: SendersOptions,
  file: string,
  isDone: (count: number) => Promise<unknown>,
): Promise<void> {
  const port = 17_900;
  const [relay] = await startProgram(
    options.host,
    'bgp-replay.ts',
    'record',
    String(port),
    options.peer.address,
    file,
  );
  const [, , ...rest] = speakerArguments(options);
  const [speaker] = await startProgram(options.host, 'bgp-sender.ts', '127.0.0.1', String(port), ...rest);
  speaker.command('announce');
  await isDone(options.routes);
  speaker.command('withdraw');
  await isDone(0);
  const { child } = relay;
  speaker.child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function startBirdSender({
  lab,
  host,
  routes,
  kind,
  own,
  peer,
}: SendersOptions): Promise<Sender> {
  const directory = join(lab.directory, `bird-${host.name}-${kind}-${peer.name}`);
  mkdirSync(directory, { recursive: true });
  const [path, socket] = [join(directory, 'bird.conf'), join(directory, 'bird.ctl')];
  const tag = (index: number): string =>
    ` { bgp_large_community.add((64500, 1, ${kind === 'distinct' ? index : 0})); }`;
  const statics = Array.from(
    { length: routes },
    (_, index) => `route ${addressText(index)}/32 blackhole${tag(index)};`,
  );
  writeFileSync(
    path,
    `router id ${own.address};
protocol device { }
protocol static all_routes { ipv4; ${statics.join('\n')} }
protocol bgp receiver {
  disabled; local ${own.address} as ${own.asn}; neighbor ${peer.address} as ${peer.asn};
  direct; connect delay time 1; connect retry time 1; error wait time 1, 1; enable extended messages on;
  graceful restart off;
  ipv4 { import none; export all; };
}
`,
  );
  const child = host.spawn(['bird', '-f', '-c', path, '-s', socket], { log: `${host.name}-bird` });
  const ask = (...words: readonly string[]) =>
    host.exec(['birdc', '-s', socket, ...words], { mayFail: true });
  await until(
    'BIRD has its routes',
    () => ask('show', 'route', 'count').stdout.includes(`${routes} of ${routes}`),
    60_000,
  );
  return daemonSender('BIRD', child, {
    announce: () => void ask('enable', 'receiver'),
    withdraw: () => void ask('disable', 'all_routes'),
  });
}

export async function startGobgpSender(options: SendersOptions): Promise<Sender> {
  const { lab, host, routes, kind, own, peer } = options;
  const feederAsn = 64_510;
  const port = 17_901;
  const path = join(lab.directory, `gobgp-${host.name}-${kind}-${peer.name}.toml`);
  const neighbour = (address: string, asn: number): string[] => [
    '[[neighbors]]',
    '[neighbors.config]',
    `neighbor-address = "${address}"`,
    `peer-as = ${asn}`,
  ];
  const lines = [
    '[global.config]',
    `as = ${own.asn}`,
    `router-id = "${own.address}"`,
    `port = ${port}`,
    ...neighbour('127.0.0.1', feederAsn),
    '[neighbors.transport.config]',
    'passive-mode = true',
    ...neighbour(peer.address, peer.asn),
    'admin-down = true',
    '[neighbors.timers.config]',
    'connect-retry = 1',
    'idle-hold-time-after-reset = 1',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  const child = host.spawn(['gobgpd', '-f', path, '--api-hosts', '127.0.0.1:50051', '--pprof-disable'], {
    log: `${host.name}-gobgp`,
  });
  const ask = (...words: readonly string[]) => host.exec(['gobgp', ...words], { mayFail: true });
  await until('GoBGP answers', () => ask('global').code === 0, 20_000);
  const words = ['127.0.0.1', String(port), String(feederAsn), String(routes), kind];
  const [feeder] = await startProgram(host, 'bgp-sender.ts', ...words);
  feeder.command('announce');
  await until(
    'GoBGP has its routes',
    () => ask('global', 'rib', 'summary').stdout.includes(`Destination: ${routes},`),
    60_000,
  );
  const sender = daemonSender('GoBGP', child, {
    announce: () => void ask('neighbor', peer.address, 'enable'),
    withdraw: undefined,
  });
  return {
    ...sender,
    end() {
      sender.end();
      feeder.child.kill('SIGKILL');
    },
  };
}

function daemonSender(
  name: string,
  child: ChildProcess,
  { announce, withdraw }: Pick<Sender, 'announce' | 'withdraw'>,
): Sender {
  let before = 0;
  return {
    name,
    announce() {
      before = cpuSeconds(child.pid);
      announce();
    },
    withdraw,
    end: () => void child.kill('SIGKILL'),
    cpuMilliseconds: async () => 1000 * (cpuSeconds(child.pid) - before),
  };
}

/** 198.18.0.0 and on. */
const addressText = (index: number): string =>
  `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
