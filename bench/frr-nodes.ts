// FRR in Gantry's place, the peer of benches of BGP: every node announces the same address of its own loopback to the router,
// with BFD beside the session, and answers for it itself.
import { once } from 'node:events';
import { startFrrDaemons } from '../lab/frr.ts';
import { type FrrRouter, startFrrBgp } from '../lab/frr-bgp.ts';
import type { Lab } from '../lab/lab.ts';
import { gantryCommand } from '../lab/program.ts';
import type { Topology, TopologyNode } from '../lab/topology.ts';

export interface FrrNodesOptions {
  readonly asn: { readonly nodes: number; readonly router: number };
  readonly addresses: readonly [ipv4: string, ipv6: string];
  readonly bfdIntervalMilliseconds: number;
}

/** Each node answers with its own name. */
export async function startFrrNodes(
  lab: Lab,
  { nodes, router }: Topology,
  options: FrrNodesOptions,
): Promise<FrrRouter> {
  const { asn, bfdIntervalMilliseconds } = options;
  const frr = await startFrrBgp(
    lab,
    router,
    asn.router,
    nodes.map(({ addresses: [address] }) => ({
      address,
      asn: asn.nodes,
      families: ['IPv4', 'IPv6'],
      bfd: true,
      bfdIntervalMilliseconds,
    })),
  );
  for (const node of nodes) await startNode(lab, node, options);
  return frr;
}

async function startNode(
  lab: Lab,
  { name, host, addresses: [own] }: TopologyNode,
  { asn, addresses: [ipv4, ipv6], bfdIntervalMilliseconds }: FrrNodesOptions,
): Promise<void> {
  host.ip(`address add ${ipv4}/32 dev lo`, `address add ${ipv6}/128 dev lo nodad`);
  const responder = host.spawn(gantryCommand('lab', 'responder', name, '80', '7'), { pipe: true });
  if (responder.stdout !== null) await once(responder.stdout, 'data');
  const peer = 'neighbor 192.0.2.254';
  await startFrrDaemons(lab, host, {
    bfdd: [
      'bfd',
      ' profile fast',
      '  detect-multiplier 3',
      `  receive-interval ${bfdIntervalMilliseconds}`,
      `  transmit-interval ${bfdIntervalMilliseconds}`,
      ' exit',
      'exit',
    ],
    bgpd: [
      `router bgp ${asn.nodes}`,
      ` bgp router-id ${own}`,
      ' no bgp ebgp-requires-policy',
      ` ${peer} remote-as ${asn.router}`,
      ` ${peer} timers connect 1`,
      ` ${peer} bfd profile fast`,
      ' address-family ipv4 unicast',
      `  network ${ipv4}/32`,
      ' exit-address-family',
      ' address-family ipv6 unicast',
      `  ${peer} activate`,
      `  network ${ipv6}/128`,
      ' exit-address-family',
    ],
  });
}
