// The memory that BGP adds to a process: 10,000 routes told to each of ten peers. Two processes have the same World of as many
// Services, one of them the agent's BGP side with its sessions, too; the figure is the difference of their resident memory,
// when all is told and the garbage collected. Beside it BIRD, with as many static routes, with and without its ten sessions.
// --rounds N (5); --quick: 1,000 routes, one round.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import { createLab, type Lab } from '../lab/lab.ts';
import { benchInsideLab } from './inside-lab.ts';
import { residentMegabytes } from './process.ts';
import { median, report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const routes = values.quick ? 1000 : 10_000;
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const peers = Array.from({ length: 10 }, (_, index) => `192.0.2.${101 + index}`);
const own = { gantry: '192.0.2.11', bird: '192.0.2.12' } as const;
const asn = { node: 64500, router: 64501 } as const;

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const lan = lab.segment('lan');
  const [node, other, router] = [lab.host('node1'), lab.host('node2'), lab.host('router')];
  lab.connect(node, 'eth0', lan, [`${own.gantry}/24`]);
  lab.connect(other, 'eth0', lan, [`${own.bird}/24`]);
  lab.connect(
    router,
    'eth0',
    lan,
    peers.map((address) => `${address}/24`),
  );
  const judge = await startBird(lab, router, [
    'router id 192.0.2.254;',
    'protocol device { }',
    ...Object.values(own).flatMap((address) =>
      peers.map((peer) => session(peer, asn.router, address, asn.node, true)),
    ),
  ]);
  const ours = [];
  const theirs = [];
  for (let round = 1; round <= rounds; round++) {
    const [alone, withBgp] = [
      await worldMegabytes(node, [], judge),
      await worldMegabytes(node, peers, judge),
    ];
    const bird = [
      await birdMegabytes(lab, other, [], judge),
      await birdMegabytes(lab, other, peers, judge),
    ] as const;
    ours.push(withBgp - alone);
    theirs.push(bird[1] - bird[0]);
    process.stderr.write(
      `bgp-memory: round ${round} of ${rounds}: ${alone} → ${withBgp} MB; BIRD ${bird.join(' → ')} MB\n`,
    );
  }
  report('bgp-memory', [
    {
      name: `memory added by BGP, ${peers.length} peers of ${routes} routes, RSS, median of ${rounds}`,
      value: median(ours),
      unit: 'MB',
      bound: 40,
      peers: [{ name: 'BIRD, by its sessions', value: median(theirs) }],
    },
  ]);
});

/** Of our process, with the World alone or with these peers. */
async function worldMegabytes(host: Host, to: readonly string[], judge: Bird): Promise<number> {
  const script = join(import.meta.dirname, 'bgp-side.ts');
  const child = host.spawn([process.execPath, '--expose-gc', script, String(routes), ...to], { pipe: true });
  if (child.stdout === null) throw new Error('there is no pipe');
  await once(child.stdout, 'data');
  if (to.length > 0) await judge.has(own.gantry);
  const megabytes = residentMegabytes(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return megabytes;
}

async function birdMegabytes(lab: Lab, host: Host, to: readonly string[], judge: Bird): Promise<number> {
  const statics = Array.from(
    { length: routes },
    (_, index) => `route 198.18.${index >> 8}.${index & 255}/32 blackhole;`,
  );
  const bird = await startBird(lab, host, [
    `router id ${own.bird};`,
    'protocol device { }',
    `protocol static all_routes { ipv4; ${statics.join('\n')} }`,
    ...to.map((peer) => session(own.bird, asn.node, peer, asn.router, false)),
  ]);
  if (to.length > 0) await judge.has(own.bird);
  await sleep(2000);
  const megabytes = residentMegabytes(bird.pid);
  bird.end();
  return megabytes;
}

interface Bird {
  readonly pid: number | undefined;
  /** Resolves when all its sessions with the address have brought all routes. */
  has(neighbour: string): Promise<unknown>;
  end(): void;
}

async function startBird(lab: Lab, host: Host, lines: readonly string[]): Promise<Bird> {
  const directory = join(lab.directory, `bird-${host.name}`);
  mkdirSync(directory, { recursive: true });
  const [path, socket] = [join(directory, 'bird.conf'), join(directory, 'bird.ctl')];
  writeFileSync(path, `${lines.join('\n')}\n`);
  const child = host.spawn(['bird', '-f', '-c', path, '-s', socket], { log: `${host.name}-bird` });
  const ask = (...words: readonly string[]) =>
    host.exec(['birdc', '-s', socket, ...words], { mayFail: true });
  await until('BIRD answers', () => ask('show', 'status').code === 0, 20_000);
  const pattern = new RegExp(`Routes: +${routes} imported`, 'g');
  return {
    pid: child.pid,
    has: (neighbour) =>
      until(
        `all routes from ${neighbour}`,
        () => {
          const { stdout } = ask('show', 'protocols', 'all', `"${nameOf(neighbour)}*"`);
          return [...stdout.matchAll(pattern)].length === peers.length;
        },
        120_000,
      ),
    end: () => void child.kill('SIGKILL'),
  };
}

function session(local: string, localAsn: number, peer: string, peerAsn: number, isJudge: boolean): string {
  const [channel, passive] = isJudge
    ? ['import all; export none;', 'passive on;']
    : ['import none; export all;', ''];
  return `protocol bgp ${nameOf(peer)}${nameOf(local)} {
  local ${local} as ${localAsn}; neighbor ${peer} as ${peerAsn}; ${passive} direct; graceful restart off;
  connect delay time 1; connect retry time 1; error wait time 1, 1;
  ipv4 { ${channel} };
}`;
}

function nameOf(address: string): string {
  return `n${address.replaceAll('.', '_')}`;
}
