// The kernel's connection tracking, spoken to over netlink.

import { deleteUdpEntries, type UdpEntry, udpEntries } from '../../linux/conntrack.ts';
import { NETLINK_NETFILTER, openNetlink } from '../../linux/netlink.ts';
import { addressFromBytes, type Family } from '../../model/address.ts';
import { endpointBytes } from './compile.ts';
import type { ConntrackPort, UdpFlow } from './conntrack-port.ts';
import type { ByteString } from './elements.ts';

interface KernelFlow extends UdpFlow {
  readonly entry: UdpEntry;
}

/** Opens the connection tracking of the calling thread's network namespace. Throws SystemError. */
export function openConntrack(): ConntrackPort {
  const netlink = openNetlink({ protocol: NETLINK_NETFILTER });
  return {
    *udpFlows(family, destination) {
      const filter =
        destination === undefined ? { family } : { family, ...destinationOf(family, destination) };
      for (const entries of udpEntries(netlink, filter)) yield entries.map(flowOf);
    },
    delete: (flows) =>
      deleteUdpEntries(
        netlink,
        flows.flatMap((flow) => ('entry' in flow ? [(flow as KernelFlow).entry] : [])),
      ),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

const flowOf = (entry: UdpEntry): KernelFlow => ({
  destination: endpointBytes({
    address: addressFromBytes(entry.originalDestination),
    port: entry.originalPort,
  }),
  endpoint: endpointBytes({ address: addressFromBytes(entry.replySource), port: entry.replyPort }),
  entry,
});

function destinationOf(family: Family, destination: ByteString) {
  const bytes = Buffer.from(destination, 'latin1');
  const length = family === 'IPv4' ? 4 : 16;
  return { address: bytes.subarray(0, length), port: bytes.readUInt16BE(length) };
}
