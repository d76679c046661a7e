// ExaBGP as a judge of BGP: it tells of every message as JSON, and what it was told is put together from that here.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BgpJudge, JudgedRoute, Neighbour, StartJudge } from './bgp-judge.ts';
import { until } from './gantry.ts';

export const startExabgp: StartJudge = async (lab, host, asn, neighbours): Promise<BgpJudge> => {
  const directory = join(lab.directory, `exabgp-${host.name}`);
  mkdirSync(directory);
  const path = join(directory, 'exabgp.conf');
  const told = join(directory, 'told.jsonl');
  writeFileSync(told, '');
  const script = join(directory, 'told.sh');
  // A program that closes its output counts as dead.
  writeFileSync(script, `exec 3>&1 cat >>${told}\n`);
  writeFileSync(path, configurationOf(asn, neighbours, script));
  const locals = new Set(neighbours.map(localOf));
  const process = host.spawn(['exabgp', path], {
    log: `${host.name}-exabgp`,
    env: {
      exabgp_tcp_bind: [...locals].join(' '),
      exabgp_tcp_port: '179',
      exabgp_daemon_user: 'root',
      exabgp_daemon_drop: 'false',
      exabgp_api_cli: 'false',
      exabgp_log_level: 'INFO',
    },
  });
  const listening = () => host.exec(['ss', '-Htln', 'sport = :179']).stdout.trim().split('\n').length;
  await until('ExaBGP listens', () => listening() >= locals.size, 20_000);
  const tables = (): Map<string, PeerTable> => tablesOf(readFileSync(told, 'utf8'));
  return {
    name: 'ExaBGP',
    process,
    isEstablished: (neighbour) => tables().get(neighbour)?.isUp === true,
    routes: (neighbour) => [...(tables().get(neighbour)?.routes.values() ?? [])],
    refresh: undefined,
  };
};

interface PeerTable {
  isUp: boolean;
  readonly routes: Map<string, JudgedRoute>;
}

interface Told {
  readonly type: string;
  readonly neighbor?: {
    readonly address?: { readonly peer?: string };
    readonly state?: string;
    readonly message?: {
      readonly update?: {
        readonly attribute?: Readonly<Record<string, unknown>>;
        readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly Nlri[]>>>>;
        readonly withdraw?: Readonly<Record<string, readonly Nlri[]>>;
      };
    };
  };
}

type Nlri = string | { readonly nlri?: string };

const prefixOf = (nlri: Nlri): string => (typeof nlri === 'string' ? nlri : (nlri.nlri ?? ''));

/** A session's end empties its table. */
function tablesOf(text: string): Map<string, PeerTable> {
  const tables = new Map<string, PeerTable>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue;
    const { type, neighbor } = JSON.parse(line) as Told;
    const peer = neighbor?.address?.peer;
    if (peer === undefined) continue;
    const table = tables.get(peer) ?? { isUp: false, routes: new Map() };
    tables.set(peer, table);
    if (type === 'state') {
      table.isUp = neighbor?.state === 'up';
      if (!table.isUp) table.routes.clear();
    }
    const { attribute = {}, announce = {}, withdraw = {} } = neighbor?.message?.update ?? {};
    for (const nlris of Object.values(withdraw))
      for (const nlri of nlris) table.routes.delete(prefixOf(nlri));
    for (const byNextHop of Object.values(announce))
      for (const [nextHop, nlris] of Object.entries(byNextHop))
        for (const nlri of nlris) {
          const prefix = prefixOf(nlri);
          if (prefix.includes('/')) table.routes.set(prefix, routeOf(prefix, nextHop, attribute));
        }
  }
  return tables;
}

function routeOf(prefix: string, nextHop: string, attribute: Readonly<Record<string, unknown>>): JudgedRoute {
  const list = (name: string): readonly unknown[] => {
    const value = attribute[name];
    return Array.isArray(value) ? value : [];
  };
  const communities = [...list('community'), ...list('large-community')].map((one) =>
    Array.isArray(one) ? one.join(':') : String(one),
  );
  return {
    prefix,
    nextHop,
    asPath: list('as-path').join(' '),
    isStale: false,
    localPreference: Number(attribute['local-preference']),
    communities: communities.join(' '),
  };
}

const localOf = ({ local, address }: Neighbour): string =>
  local ?? (address.includes(':') ? '2001:db8:1::fe' : '192.0.2.254');

const configurationOf = (asn: number, neighbours: readonly Neighbour[], script: string): string =>
  [
    'process told {',
    `  run /bin/sh ${script};`,
    '  encoder json;',
    '}',
    ...neighbours.flatMap((one) => neighbourLines(asn, one)),
    '',
  ].join('\n');

function neighbourLines(asn: number, one: Neighbour): string[] {
  const lines = [
    'router-id 192.0.2.254;',
    `local-address ${localOf(one)};`,
    `local-as ${asn};`,
    `peer-as ${one.asn};`,
    `passive ${one.connects !== true};`,
    `listen 179;`,
    `family { ${one.families.map((family) => `${family.toLowerCase()} unicast;`).join(' ')} }`,
    'capability { extended-message enable; graceful-restart 120; }',
    'api { processes [ told ]; neighbor-changes; receive { parsed; update; } }',
  ];
  if (one.password !== undefined) lines.push(`md5-password "${one.password}";`);
  return [`neighbor ${one.address} {`, ...lines.map((line) => `  ${line}`), '}'];
}
