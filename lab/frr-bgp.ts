// FRR's bgpd as a judge of BGP, with zebra, so that what it learns is forwarded by, and bfdd.
import type { BgpJudge, JudgedRoute, Neighbour, StartJudge } from './bgp-judge.ts';
import { startFrrDaemons } from './frr.ts';

export interface FrrRouter extends BgpJudge {
  /** Where zebra's table forwards packets for the prefix to, sorted. */
  nextHops(prefix: string): string[];
  /** A command line that asks one of the daemons. */
  vtysh(daemon: 'zebra' | 'bgpd', command: string): string;
}

export const startFrrBgp = (async (lab, host, asn, neighbours): Promise<FrrRouter> => {
  const frr = await startFrrDaemons(lab, host, {
    bgpd: configurationOf(asn, neighbours),
    ...(neighbours.some(({ bfd }) => bfd) ? { bfdd: bfdOf(neighbours) } : {}),
  });
  const show = (command: string): unknown => JSON.parse(frr.run('bgpd', `show bgp ${command} json`));
  return {
    name: 'FRR',
    process: frr.processOf('bgpd'),
    isEstablished(neighbour) {
      const all = show(`neighbors ${neighbour}`) as Record<string, { bgpState?: string }>;
      return all[neighbour]?.bgpState === 'Established';
    },
    routes(neighbour) {
      const families = neighbours.find(({ address }) => address === neighbour)?.families ?? [];
      return families.flatMap((family) => {
        const command = `${family.toLowerCase()} unicast neighbors ${neighbour} routes`;
        const { routes = {} } = show(command) as { routes?: Record<string, readonly FrrPath[]> };
        return Object.entries(routes).flatMap(([prefix, paths]) =>
          paths.map((path) =>
            routeOf(prefix, path, show(`${family.toLowerCase()} unicast ${prefix}`), neighbour),
          ),
        );
      });
    },
    refresh: (neighbour) => void frr.run('bgpd', `clear bgp ${neighbour} soft in`),
    nextHops(prefix) {
      const family = prefix.includes(':') ? 'ipv6' : 'ip';
      return fibNextHops(JSON.parse(frr.run('zebra', `show ${family} route ${prefix} json`)));
    },
    vtysh: frr.commandLine,
  };
}) satisfies StartJudge;

interface ZebraRoute {
  readonly protocol?: string;
  readonly selected?: boolean;
  readonly nexthops?: readonly { readonly ip?: string; readonly fib?: boolean }[];
}

/** Of `show ip route PREFIX json`: the next hops of BGP's route that the kernel has. */
export const fibNextHops = (table: Readonly<Record<string, readonly ZebraRoute[]>>): string[] =>
  Object.values(table)
    .flat()
    .filter(({ protocol, selected }) => protocol === 'bgp' && selected === true)
    .flatMap(({ nexthops = [] }) => nexthops.flatMap(({ ip, fib }) => (fib === true ? (ip ?? []) : [])))
    .sort();

interface FrrPath {
  readonly path?: string;
}

interface FrrDetail {
  readonly stale?: boolean;
  readonly locPrf?: number;
  readonly aspath?: { readonly string?: string };
  readonly community?: { readonly string?: string };
  readonly largeCommunity?: { readonly string?: string };
  readonly extendedCommunity?: { readonly string?: string };
  readonly nexthops?: readonly { readonly ip?: string; readonly scope?: string }[];
  readonly peer?: { readonly peerId?: string };
}

function routeOf(prefix: string, { path }: FrrPath, detail: unknown, neighbour: string): JudgedRoute {
  const { paths = [] } = detail as { paths?: readonly FrrDetail[] };
  const own = paths.find(({ peer }) => peer?.peerId === neighbour);
  return {
    prefix,
    asPath: own?.aspath?.string?.replace('Local', '') ?? path ?? '',
    nextHop: own?.nexthops?.find(({ scope }) => scope !== 'link-local')?.ip ?? '',
    isStale: own?.stale === true,
    localPreference: own?.locPrf,
    communities: [own?.community, own?.largeCommunity, own?.extendedCommunity]
      .flatMap((one) => one?.string ?? [])
      .join(' '),
  };
}

const configurationOf = (asn: number, neighbours: readonly Neighbour[]): string[] => [
  `router bgp ${asn}`,
  ' bgp router-id 192.0.2.254',
  ' no bgp ebgp-requires-policy',
  ' no bgp default ipv4-unicast',
  ' bgp bestpath as-path multipath-relax',
  ...neighbours.flatMap(neighbourLines),
  ...(['IPv4', 'IPv6'] as const).flatMap((family) => [
    ` address-family ${family.toLowerCase()} unicast`,
    ...neighbours
      .filter(({ families }) => families.includes(family))
      .map(({ address }) => `  neighbor ${address} activate`),
    ' exit-address-family',
  ]),
];

const neighbourLines = (one: Neighbour): string[] => {
  const lines = [`${one.isUnnumbered ? 'interface ' : ''}remote-as ${one.asn}`, 'timers connect 1'];
  if (!one.connects) lines.push('passive');
  if (one.local !== undefined) lines.push(`update-source ${one.local}`);
  if (one.role !== undefined) lines.push(`local-role ${one.role}`);
  if (one.isMultihop) lines.push('ebgp-multihop 10');
  if (one.password !== undefined) lines.push(`password ${one.password}`);
  if (one.hasTtlSecurity) lines.push('ttl-security hops 1');
  if (one.bfd) lines.push('bfd profile fast');
  if (one.gracefulRestart) lines.push('graceful-restart-helper');
  return lines.map((line) => ` neighbor ${one.address} ${line}`);
};

const bfdOf = (neighbours: readonly Neighbour[]): string[] => [
  'bfd',
  ' profile fast',
  '  detect-multiplier 3',
  `  receive-interval ${intervalOf(neighbours)}`,
  `  transmit-interval ${intervalOf(neighbours)}`,
  ' exit',
  'exit',
];

const intervalOf = (neighbours: readonly Neighbour[]): number =>
  Math.min(...neighbours.map(({ bfdIntervalMilliseconds = 200 }) => bfdIntervalMilliseconds));
