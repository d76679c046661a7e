// Connection tracking in memory: flows are put in by tests, and go when the data plane ends them.

import type { ConntrackPort, UdpFlow } from './conntrack-port.ts';
import { familyLayouts } from './family.ts';

export interface FakeConntrack extends ConntrackPort {
  readonly flows: Set<UdpFlow>;
}

export function fakeConntrack(flows: readonly UdpFlow[] = []): FakeConntrack {
  const present = new Set(flows);
  return {
    flows: present,
    *udpFlows(family, destination) {
      const length = familyLayouts.find((of) => of.family === family)?.addressLength ?? 0;
      const found = [...present].filter((flow) =>
        destination === undefined ? flow.destination.length === length + 4 : flow.destination === destination,
      );
      if (found.length > 0) yield found;
    },
    delete: (ended) => ended.filter((flow) => present.delete(flow)).length,
    [Symbol.dispose]() {},
  };
}

/** For tests that have no flows. */
export const noFlows: ConntrackPort = fakeConntrack();
