// The network that the demo, the tests and the benches use: a client behind a router, and a LAN with nodes and pods.
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';
import type { Segment } from './segment.ts';

export interface Topology {
  readonly lan: Segment;
  readonly router: Host;
  /** Behind the router, 198.51.100.2 and 2001:db8:2::2. */
  readonly client: Host;
  /** On the LAN itself, 192.0.2.100 and 2001:db8:1::100. */
  readonly neighbour: Host;
  readonly nodes: readonly TopologyNode[];
}

export interface TopologyNode {
  readonly name: string;
  readonly host: Host;
  readonly addresses: readonly [ipv4: string, ipv6: string];
  readonly podCidrs: readonly [ipv4: string, ipv6: string];
}

/** A machine on the LAN that is no node. */
export interface TopologyMachine {
  readonly host: Host;
  readonly addresses: readonly [ipv4: string, ipv6: string];
}

export interface TopologyPod {
  readonly name: string;
  readonly host: Host;
  readonly node: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Free on the LAN, for virtual addresses. */
export const poolRanges = ['192.0.2.200-192.0.2.249', '2001:db8:1::200-2001:db8:1::2ff'] as const;

/** Node N is 192.0.2.(10+N) and 2001:db8:1::(10+N), its pods are in 198.18.N.0/24 and 2001:db8:42:N::/64. */
export function standardTopology(lab: Lab, nodeCount = 3): Topology {
  const lan = lab.segment('lan');
  const wan = lab.segment('wan');

  const router = forwarding(lab.host('router'));
  lab.connect(router, 'eth0', lan, ['192.0.2.254/24', '2001:db8:1::fe/64']);
  lab.connect(router, 'eth1', wan, ['198.51.100.1/24', '2001:db8:2::1/64']);

  const client = lab.host('client');
  lab.connect(client, 'eth0', wan, ['198.51.100.2/24', '2001:db8:2::2/64']);
  client.ip('route add default via 198.51.100.1', 'route add ::/0 via 2001:db8:2::1');

  const neighbour = lab.host('neighbour');
  lab.connect(neighbour, 'eth0', lan, ['192.0.2.100/24', '2001:db8:1::100/64']);

  const nodes = Array.from({ length: nodeCount }, (_, index): TopologyNode => {
    const number = index + 1;
    const name = `node${number}`;
    const host = forwarding(lab.host(name));
    const addresses = [`192.0.2.${10 + number}`, `2001:db8:1::${10 + number}`] as const;
    lab.connect(host, 'eth0', lan, [`${addresses[0]}/24`, `${addresses[1]}/64`]);
    host.ip('route add default via 192.0.2.254', 'route add ::/0 via 2001:db8:1::fe');
    return { name, host, addresses, podCidrs: [`198.18.${number}.0/24`, `2001:db8:42:${number}::/64`] };
  });
  for (const host of [router, ...nodes.map((node) => node.host)]) {
    host.ip(...podRoutes(nodes.filter((node) => node.host !== host)));
  }
  return { lan, router, client, neighbour, nodes };
}

/** The control plane's machine: 192.0.2.2 and 2001:db8:1::2, with routes to the pods, whose webhooks it calls. */
export function addControlMachine(lab: Lab, { lan, nodes }: Topology): TopologyMachine {
  const host = lab.host('control');
  const addresses = ['192.0.2.2', '2001:db8:1::2'] as const;
  lab.connect(host, 'eth0', lan, [`${addresses[0]}/24`, `${addresses[1]}/64`]);
  host.ip('route add default via 192.0.2.254', 'route add ::/0 via 2001:db8:1::fe', ...podRoutes(nodes));
  return { host, addresses };
}

const podRoutes = (nodes: readonly TopologyNode[]): string[] =>
  nodes.flatMap(({ podCidrs, addresses }) =>
    podCidrs.map((cidr, family) => `route add ${cidr} via ${addresses[family]}`),
  );

/** The `number`th pod of a node (from 1). */
export function addPod(lab: Lab, node: TopologyNode, number: number, name: string): TopologyPod {
  const [prefix4, prefix6] = [node.podCidrs[0].replace('0/24', ''), node.podCidrs[1].replace('/64', '')];
  const [ipv4, ipv6] = [`${prefix4}${9 + number}`, `${prefix6}${9 + number}`];
  const host = lab.pod(node.host, name, [
    { address: ipv4, gateway: `${prefix4}1` },
    { address: ipv6, gateway: `${prefix6}1` },
  ]);
  return { name, host, node: node.name, ipv4, ipv6 };
}

function forwarding(host: Host): Host {
  host.sysctl('ipv4/ip_forward', 1);
  host.sysctl('ipv6/conf/all/forwarding', 1);
  return host;
}
