// A lab: hosts and layer-2 segments made of network namespaces, all gone when it is disposed or its process dies.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type Host } from './host.ts';
import { runIp } from './ip.ts';
import { type Cable, connectCable, createSegment, firstIndex, type Segment } from './segment.ts';

export interface Lab extends AsyncDisposable {
  /** For files of the lab's: in memory, private, gone with it. */
  readonly directory: string;
  readonly hosts: ReadonlyMap<string, Host>;
  host(name: string): Host;
  segment(name: string): Segment;
  /** A new interface of the host on the segment, up, with these `address/length`es. */
  connect(host: Host, interfaceName: string, segment: Segment, addresses?: readonly string[]): Cable;
  /** A pod: a namespace behind a routed veth pair on its node, which gets the gateway's address of each family. */
  pod(node: Host, name: string, addresses: readonly PodAddress[]): Host;
}

export interface PodAddress {
  readonly address: string;
  /** The node's address on the pods' network. */
  readonly gateway: string;
}

/** True inside `lab/enter`. */
export const insideLab = (): boolean => process.env['GANTRY_LAB'] === '1';

let labs = 0;

/**
 * An empty lab. Several may exist at once, in one process or in several inside one `lab/enter`: each has names of its
 * own. Throws outside `lab/enter`.
 */
export async function createLab(): Promise<Lab> {
  if (!insideLab()) throw new Error('a lab needs private namespaces: run this by lab/enter COMMAND');
  const prefix = `lab${process.pid}x${labs++}-`;
  const directory = mkdtempSync('/run/gantry-lab-');
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const hosts = new Map<string, Host>();

  const addHost = (name: string): Host => {
    if (hosts.has(name)) throw new Error(`the lab already has a host named ${name}`);
    const host = createHost(name, prefix + name, logs);
    hosts.set(name, host);
    // Duplicate address detection costs a second at each address; reverse path filters are for the tests to set.
    for (const scope of ['all', 'default']) {
      host.sysctl(`ipv6/conf/${scope}/accept_dad`, 0);
      host.sysctl(`ipv6/conf/${scope}/accept_ra`, 0);
      host.sysctl(`ipv4/conf/${scope}/rp_filter`, 0);
    }
    host.ip('link set lo up');
    return host;
  };

  return {
    directory,
    hosts,
    host: addHost,
    segment: (name) => createSegment(name, addHost(name)),
    connect(host, interfaceName, segment, addresses = []) {
      const cable = connectCable(segment, host, prefix + host.name, interfaceName);
      host.ip(
        ...addresses.map((address) => addressLine(address, interfaceName)),
        `link set ${interfaceName} up`,
      );
      return cable;
    },
    pod(node, name, addresses) {
      const pod = addHost(name);
      const veth = `veth${node.pods.length}`;
      const index = firstIndex + node.pods.length;
      node.pods.push(pod);
      node.ip(
        `link add ${veth} index ${index} type veth peer name eth0 netns ${prefix}${name}`,
        ...addresses.map(({ gateway }) => addressLine(`${gateway}/${hostLength(gateway)}`, veth)),
        `link set ${veth} up`,
        ...addresses.map(({ address }) => `route add ${address}/${hostLength(address)} dev ${veth}`),
      );
      pod.ip(
        ...addresses.map(({ address }) => addressLine(`${address}/${hostLength(address)}`, 'eth0')),
        'link set eth0 up',
        ...addresses.flatMap(({ gateway }) => [
          `route add ${gateway} dev eth0`,
          `route add ${gateway.includes(':') ? '::/0' : 'default'} via ${gateway} dev eth0`,
        ]),
      );
      return pod;
    },
    async [Symbol.asyncDispose]() {
      for (const host of hosts.values()) host.signal('SIGKILL');
      runIp([...hosts.keys()].map((name) => `netns del ${prefix}${name}`));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const hostLength = (address: string): number => (address.includes(':') ? 128 : 32);

const addressLine = (address: string, interfaceName: string): string =>
  `address add ${address} dev ${interfaceName}${address.includes(':') ? ' nodad' : ''}`;
