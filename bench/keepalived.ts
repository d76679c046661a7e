// keepalived in the lab, the peer of benches: VRRP between the nodes, for one address of each family.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { TopologyNode } from '../lab/topology.ts';

export interface VirtualAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Starts it on the node; of several nodes the first by `index` is wanted most. Its log is `NODE-keepalived`. */
export function startKeepalived(
  lab: Lab,
  node: TopologyNode,
  index: number,
  advertSeconds: number,
  addresses: VirtualAddresses,
): ChildProcess {
  const path = (suffix: string): string => join(lab.directory, `${node.name}.${suffix}`);
  writeFileSync(path('conf'), configuration(index, advertSeconds, addresses));
  const pids = ['-p', path('pid'), '-r', path('vrrp.pid'), '-c', path('checkers.pid')];
  return node.host.spawn(['keepalived', '-n', '-l', '-D', '-P', '-f', path('conf'), ...pids], {
    log: `${node.name}-keepalived`,
  });
}

const configuration = (index: number, advertSeconds: number, { ipv4, ipv6 }: VirtualAddresses): string => `
global_defs { vrrp_version 3 }
${[
  { name: 'ipv4', id: 51, addresses: [`${ipv4}/24`] },
  { name: 'ipv6', id: 52, addresses: ['fe80::200/64', `${ipv6}/64`] },
]
  .map(
    ({ name, id, addresses }) => `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${id}
  priority ${150 - index * 25}
  advert_int ${advertSeconds}
  virtual_ipaddress {
    ${addresses.join('\n    ')}
  }
}`,
  )
  .join('\n')}
`;
