// BIRD as a judge of BGP; what it learns goes into its host's kernel, too.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BgpJudge, JudgedRoute, Neighbour, StartJudge } from './bgp-judge.ts';
import { until } from './gantry.ts';

export const startBirdBgp: StartJudge = async (lab, host, asn, neighbours): Promise<BgpJudge> => {
  const directory = join(lab.directory, `bird-${host.name}`);
  mkdirSync(directory);
  const path = join(directory, 'bird.conf');
  const socket = join(directory, 'bird.ctl');
  writeFileSync(path, configurationOf(asn, neighbours));
  const process = host.spawn(['bird', '-f', '-c', path, '-s', socket], { log: `${host.name}-bird` });
  const ask = (command: string) =>
    host.exec(['birdc', '-s', socket, ...command.split(' ')], { mayFail: true });
  await until('BIRD answers', () => ask('show status').code === 0, 20_000);
  const stateOf = (neighbour: string): string => ask(`show protocols all ${nameOf(neighbour)}`).stdout;
  return {
    name: 'BIRD',
    process,
    isEstablished: (neighbour) => /BGP state: +Established/.test(stateOf(neighbour)),
    routes(neighbour) {
      const isStale = /Neighbor graceful restart active/.test(stateOf(neighbour));
      return routesIn(ask(`show route protocol ${nameOf(neighbour)} all`).stdout, isStale);
    },
    refresh: (neighbour) => void ask(`reload in ${nameOf(neighbour)}`),
  };
};

const nameOf = (neighbour: string): string => `n_${neighbour.replaceAll(/[.:]/g, '_')}`;

/** A line with the prefix, then one for each attribute, indented. */
function routesIn(text: string, isStale: boolean): JudgedRoute[] {
  return text
    .split(/\n(?=[0-9a-f])/)
    .filter((part) => /^[0-9a-f.:]+\/\d+ /.test(part))
    .map((part) => {
      const attribute = (name: string): string =>
        new RegExp(`BGP\\.${name}: (.*)`).exec(part)?.[1]?.trim() ?? '';
      const communities = ['community', 'large_community', 'ext_community'].map(attribute).join(' ');
      return {
        prefix: part.slice(0, part.indexOf(' ')),
        nextHop: attribute('next_hop').split(' ')[0] ?? '',
        asPath: attribute('as_path'),
        isStale,
        localPreference: Number(attribute('local_pref')),
        communities: communities
          .replaceAll(/\(unknown 0x4004, (\d+), (\d+)\)/g, bandwidth)
          .replaceAll(/, ?/g, ':'),
      };
    });
}

/** The link bandwidth extended community, of which it tells the numbers alone: the bytes a second are a float's bits. */
function bandwidth(_: string, asn: string, bits: string): string {
  const single = Buffer.alloc(4);
  single.writeUInt32BE(Number(bits));
  return `LB:${asn}:${single.readFloatBE()}`;
}

const configurationOf = (asn: number, neighbours: readonly Neighbour[]): string =>
  [
    'router id 192.0.2.254;',
    'protocol device { }',
    'protocol direct { ipv4; ipv6; }',
    'protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }',
    'protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }',
    'protocol bfd { interface "eth0" { interval 200 ms; multiplier 3; }; }',
    ...neighbours.map((one) => protocolOf(asn, one)),
    '',
  ].join('\n');

function protocolOf(asn: number, one: Neighbour): string {
  const own = one.local ?? (one.address.includes(':') ? '2001:db8:1::fe' : '192.0.2.254');
  const lines = [
    `local ${own} as ${asn};`,
    `neighbor ${one.address} as ${one.asn};`,
    one.connects ? 'connect delay time 1; connect retry time 1;' : 'passive on;',
    'enable extended messages on;',
    'error wait time 1, 2;',
    one.isMultihop ? 'multihop 10;' : 'direct;',
    ...one.families.map((family) => `${family.toLowerCase()} { import all; export none; };`),
  ];
  if (one.password !== undefined) lines.push(`password "${one.password}";`);
  if (one.hasTtlSecurity) lines.push('ttl security on;');
  if (one.role !== undefined) lines.push(`local role ${one.role};`);
  if (one.bfd) lines.push('bfd on;');
  return `protocol bgp ${nameOf(one.address)} { ${lines.join(' ')} }`;
}
