// Neighbours' link-layer addresses, as the kernel has resolved them (rtnetlink(7), include/uapi/linux/neighbour.h).
import { type Address, addressToBytes } from '../model/address.ts';
import { SystemError } from './errno.ts';
import { AF_INET, AF_INET6 } from './libc.ts';
import { type NetlinkSocket, request } from './netlink.ts';
import { attributeMap, MessageWriter, NLM_F_ACK, NLM_F_REQUEST } from './netlink-message.ts';

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
const NDA_DST = 1;
const NDA_LLADDR = 2;

/** `netlink`: of NETLINK_ROUTE. Undefined where the kernel does not know it (yet). Throws SystemError. */
export function neighbourMac(
  netlink: NetlinkSocket,
  interfaceIndex: number,
  address: Address,
): Uint8Array | undefined {
  const writer = new MessageWriter(64);
  writer.begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_ACK, 1);
  // struct ndmsg: family, padding, interface index, state (u16), flags, type.
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint8(0, address.family === 'IPv4' ? AF_INET : AF_INET6);
  view.setInt32(4, interfaceIndex, true);
  writer.raw(header);
  writer.attribute(NDA_DST, addressToBytes(address));
  writer.end();
  try {
    const answer = request(netlink, 'rtnetlink', writer.bytes).find(({ type }) => type === RTM_NEWNEIGH);
    return answer && attributeMap(answer.payload, header.length).get(NDA_LLADDR);
  } catch (error) {
    if (error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENODEV'))
      return undefined;
    throw error;
  }
}
