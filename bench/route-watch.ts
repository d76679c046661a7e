// A host's IPv4 routes as its kernel tells of them (rtnetlink, by `ip monitor`), for benches: when each was added.
import { createInterface } from 'node:readline';
import type { Host } from '../lab/host.ts';
import { steadyMilliseconds } from '../lab/probe.ts';

export interface RouteWatch {
  /** Resolves when the address has a host route, with when: `steadyMilliseconds`. */
  added(address: string): Promise<number>;
}

export function watchRoutes(host: Host): RouteWatch {
  const { stdout } = host.spawn(['ip', '-4', 'monitor', 'route'], { pipe: true, log: 'ip-monitor' });
  if (stdout === null) throw new Error('there is no pipe');
  const waiting = new Map<string, (at: number) => void>();
  // 198.19.0.1 nhid 12 via 192.0.2.11 dev eth0 proto bgp metric 20
  createInterface({ input: stdout }).on('line', (line) => {
    const [address = ''] = line.split(' ');
    waiting.get(address)?.(steadyMilliseconds());
    waiting.delete(address);
  });
  return {
    added: (address) => new Promise((resolve) => waiting.set(address, resolve)),
  };
}
