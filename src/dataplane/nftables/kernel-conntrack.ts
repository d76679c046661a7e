// The kernel's connection tracking, spoken to over netlink.

import { deleteUdpEntries, type UdpEntry, udpEntries } from '../../linux/conntrack.ts';
import { NETLINK_NETFILTER, openNetlink } from '../../linux/netlink.ts';
import { addressFromBytes, type Family } from '../../model/address.ts';
import { endpointBytes } from './compile.ts';
import type { ConntrackPort, UdpFlow } from './conntrack-port.ts';
import type { ByteString } from './elements.ts';

/** Opens the connection tracking of the calling thread's network namespace. Throws SystemError. */
export function openConntrack(): ConntrackPort {
  const netlink = openNetlink({ protocol: NETLINK_NETFILTER });
  /** What the kernel knows the flows by that were given out. */
  const entries = new WeakMap<UdpFlow, UdpEntry>();

  const flowOf = (entry: UdpEntry): UdpFlow => {
    const { originalDestination, originalPort, replySource, replyPort } = entry;
    const flow: UdpFlow = {
      destination: endpointBytes({ address: addressFromBytes(originalDestination), port: originalPort }),
      endpoint: endpointBytes({ address: addressFromBytes(replySource), port: replyPort }),
    };
    entries.set(flow, entry);
    return flow;
  };

  return {
    *udpFlows(family, destination) {
      const filter =
        destination === undefined ? { family } : { family, ...destinationOf(family, destination) };
      for (const part of udpEntries(netlink, filter)) yield part.map(flowOf);
    },
    delete: (flows) =>
      deleteUdpEntries(
        netlink,
        flows.flatMap((flow) => entries.get(flow) ?? []),
      ),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

function destinationOf(family: Family, destination: ByteString) {
  const bytes = Buffer.from(destination, 'latin1');
  const length = family === 'IPv4' ? 4 : 16;
  return { address: bytes.subarray(0, length), port: bytes.readUInt16BE(length) };
}
