// GoBGP as a judge of BGP: it keeps what it learns to itself, so nothing is forwarded by it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BgpJudge, JudgedRoute, Neighbour, StartJudge } from './bgp-judge.ts';
import { until } from './gantry.ts';

export const startGobgp: StartJudge = async (lab, host, asn, neighbours): Promise<BgpJudge> => {
  const directory = join(lab.directory, `gobgp-${host.name}`);
  mkdirSync(directory);
  const path = join(directory, 'gobgpd.toml');
  writeFileSync(path, configurationOf(asn, neighbours));
  const command = ['gobgpd', '-f', path, '--api-hosts', '127.0.0.1:50051', '--pprof-disable'] as const;
  const process = host.spawn([...command], { log: `${host.name}-gobgp` });
  const ask = (...words: readonly string[]) => host.exec(['gobgp', '-j', ...words], { mayFail: true });
  await until('GoBGP answers', () => ask('global').code === 0, 20_000);
  return {
    name: 'GoBGP',
    process,
    isEstablished(neighbour) {
      const { code, stdout } = ask('neighbor', neighbour);
      if (code !== 0) return false;
      const { state } = JSON.parse(stdout) as { state?: { session_state?: number | string } };
      // PeerState_ESTABLISHED of its API.
      return state?.session_state === 6 || state?.session_state === 'ESTABLISHED';
    },
    routes(neighbour) {
      const families = neighbours.find(({ address }) => address === neighbour)?.families ?? [];
      return families.flatMap((family) => {
        const { code, stdout } = ask('neighbor', neighbour, 'adj-in', '-a', family.toLowerCase());
        if (code !== 0 || !stdout.startsWith('{')) return [];
        const table = JSON.parse(stdout) as Readonly<Record<string, readonly GobgpPath[]>>;
        return Object.entries(table).flatMap(([prefix, paths]) => paths.map((one) => routeOf(prefix, one)));
      });
    },
    // It has kept all that it heard, and never asks.
    refresh: undefined,
  };
};

interface GobgpPath {
  readonly stale?: boolean;
  readonly attrs?: readonly {
    readonly type: number;
    readonly nexthop?: string;
    readonly as_paths?: readonly { readonly asns?: readonly number[] }[];
    readonly value?: unknown;
    readonly communities?: readonly number[];
  }[];
}

function routeOf(prefix: string, { stale, attrs = [] }: GobgpPath): JudgedRoute {
  const attribute = (type: number) => attrs.find((one) => one.type === type);
  const large = attribute(32)?.value;
  const words = (attribute(8)?.communities ?? []).map((one) => `${one >>> 16}:${one & 0xffff}`);
  for (const one of Array.isArray(large) ? (large as LargeCommunity[]) : [])
    words.push(`${one.ASN}:${one.LocalData1}:${one.LocalData2}`);
  const extended = attribute(16)?.value;
  // Type and subtype of the link bandwidth: 0x40, 0x04.
  for (const one of Array.isArray(extended) ? (extended as ExtendedCommunity[]) : [])
    if (one.type === 0x40 && one.subtype === 0x04) words.push(`LB:${one.asn}:${one.bandwidth}`);
  return {
    prefix,
    nextHop: attribute(3)?.nexthop ?? attribute(14)?.nexthop ?? '',
    asPath: (attribute(2)?.as_paths ?? []).flatMap(({ asns = [] }) => asns).join(' '),
    isStale: stale === true,
    localPreference: Number(attribute(5)?.value),
    communities: words.join(' '),
  };
}

interface LargeCommunity {
  readonly ASN: number;
  readonly LocalData1: number;
  readonly LocalData2: number;
}

interface ExtendedCommunity {
  readonly type: number;
  readonly subtype: number;
  readonly asn?: number;
  readonly bandwidth?: number;
}

const configurationOf = (asn: number, neighbours: readonly Neighbour[]): string =>
  [
    '[global.config]',
    `as = ${asn}`,
    'router-id = "192.0.2.254"',
    ...neighbours.flatMap((one) => neighbourLines(one)),
    '',
  ].join('\n');

function neighbourLines(one: Neighbour): string[] {
  const lines = [
    '[[neighbors]]',
    '[neighbors.config]',
    `neighbor-address = "${one.address}"`,
    `peer-as = ${one.asn}`,
  ];
  if (one.password !== undefined) lines.push(`auth-password = "${one.password}"`);
  if (one.connects) lines.push('[neighbors.timers.config]', 'connect-retry = 1');
  lines.push('[neighbors.transport.config]', `passive-mode = ${one.connects !== true}`);
  if (one.local !== undefined) lines.push(`local-address = "${one.local}"`);
  if (one.isMultihop) lines.push('[neighbors.ebgp-multihop.config]', 'enabled = true', 'multihop-ttl = 10');
  if (one.hasTtlSecurity) lines.push('[neighbors.ttl-security.config]', 'enabled = true', 'ttl-min = 255');
  if (one.gracefulRestart)
    lines.push(
      '[neighbors.graceful-restart.config]',
      'enabled = true',
      'restart-time = 120',
      'helper-only = true',
    );
  for (const family of one.families) {
    const name = `afi-safi-name = "${family.toLowerCase()}-unicast"`;
    lines.push('[[neighbors.afi-safis]]', '[neighbors.afi-safis.config]', name);
    if (one.gracefulRestart) lines.push('[neighbors.afi-safis.mp-graceful-restart.config]', 'enabled = true');
  }
  return lines;
}
