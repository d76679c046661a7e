// Connection tracking's UDP entries over ctnetlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h): dump, delete.

import type { NetlinkSocket } from './netlink.ts';
import {
  attributeMap,
  MessageWriter,
  NLM_F_DUMP,
  readAttributes,
  readUnsignedBe,
} from './netlink-message.ts';
import { beginNetfilterMessage, dump, nfGenLength, transact } from './nfnetlink.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;

/** Bits of CTA_FILTER_ORIG_FLAGS (net/netfilter/nf_conntrack_netlink.c). */
const filterDestination = 1 << 1;
const filterProtocol = 1 << 3;
const filterDestinationPort = 1 << 5;

const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_UDP = 17;

export interface UdpEntry {
  /** Where the client's packets are sent to, before NAT; 4 or 16 bytes. */
  readonly originalDestination: Uint8Array;
  readonly originalPort: number;
  /** Where the replies come from: the endpoint, if the destination was translated. */
  readonly replySource: Uint8Array;
  readonly replyPort: number;
  /** What identifies the entry: attributes for its deletion. */
  readonly identity: readonly (readonly [type: number, payload: Uint8Array])[];
}

/**
 * The UDP entries of a family, all or those first sent to one address and port, datagram by datagram. Filters are the
 * kernel's since 5.8; an older one ignores them, so that more comes than was asked for. IPv6 entries are filtered by
 * port alone: the kernel takes its comparison of IPv6 addresses the wrong way round (ctnetlink_filter_match_tuple, still
 * in 6.18). Throws SystemError.
 */
export function* udpEntries(
  netlink: NetlinkSocket,
  destination: { readonly family: 'IPv4' | 'IPv6'; readonly address?: Uint8Array; readonly port?: number },
): Generator<readonly UdpEntry[]> {
  const { family, port } = destination;
  const address = family === 'IPv4' ? destination.address : undefined;
  const writer = new MessageWriter(256);
  beginNetfilterMessage(writer, {
    subsystem: NFNL_SUBSYS_CTNETLINK,
    type: IPCTNL_MSG_CT_GET,
    flags: NLM_F_DUMP,
    sequence: 1,
    family: family === 'IPv4' ? AF_INET : AF_INET6,
  });
  const tuple = writer.beginNest(CTA_TUPLE_ORIG);
  if (address !== undefined) {
    const ip = writer.beginNest(CTA_TUPLE_IP);
    writer.attribute(CTA_IP_V4_DST, address);
    writer.endNest(ip);
  }
  const protocol = writer.beginNest(CTA_TUPLE_PROTO);
  writer.u8(CTA_PROTO_NUM, IPPROTO_UDP);
  if (port !== undefined) writer.u16be(CTA_PROTO_DST_PORT, port);
  writer.endNest(protocol);
  writer.endNest(tuple);
  const filter = writer.beginNest(CTA_FILTER);
  writer.u32(
    CTA_FILTER_ORIG_FLAGS,
    filterProtocol |
      (address === undefined ? 0 : filterDestination) |
      (port === undefined ? 0 : filterDestinationPort),
  );
  writer.u32(CTA_FILTER_REPLY_FLAGS, 0);
  writer.endNest(filter);
  writer.end();

  for (const messages of dump(netlink, 'list conntrack', writer.bytes))
    yield messages.flatMap(({ payload }) => readEntry(payload) ?? []);
}

/** Deletes entries; one that is gone by now is no error. Returns how many were there. Throws SystemError. */
export function deleteUdpEntries(netlink: NetlinkSocket, entries: readonly UdpEntry[]): number {
  const writer = new MessageWriter(4096);
  let deleted = 0;
  // A datagram a hundred: the answer to each that fails must fit the receive buffer.
  for (let start = 0; start < entries.length; start += 100) {
    const part = entries.slice(start, start + 100);
    writer.reset();
    for (const [index, { originalDestination, identity }] of part.entries()) {
      beginNetfilterMessage(writer, {
        subsystem: NFNL_SUBSYS_CTNETLINK,
        type: IPCTNL_MSG_CT_DELETE,
        flags: 0,
        sequence: index + 1,
        family: originalDestination.length === 4 ? AF_INET : AF_INET6,
      });
      for (const [type, payload] of identity) writer.attribute(type, payload);
      writer.end();
    }
    deleted += part.length - transact(netlink, writer.bytes).filter(({ errno }) => errno !== 0).length;
  }
  return deleted;
}

function readEntry(payload: Uint8Array): UdpEntry | undefined {
  const attributes = attributeMap(payload, nfGenLength);
  const original = readTuple(attributes.get(CTA_TUPLE_ORIG));
  const reply = readTuple(attributes.get(CTA_TUPLE_REPLY));
  if (original?.destination === undefined || reply?.source === undefined) return undefined;
  if (original.protocol !== IPPROTO_UDP) return undefined;
  const identity: [number, Uint8Array][] = [];
  for (const [type, value] of readAttributes(payload, nfGenLength)) {
    if (type === CTA_TUPLE_ORIG) identity.push([type | nested, value.slice()]);
    else if (type === CTA_ID || type === CTA_ZONE) identity.push([type, value.slice()]);
  }
  return {
    originalDestination: original.destination.slice(),
    originalPort: original.destinationPort,
    replySource: reply.source.slice(),
    replyPort: reply.sourcePort,
    identity,
  };
}

const nested = 0x8000;

function readTuple(tuple: Uint8Array | undefined) {
  if (tuple === undefined) return undefined;
  const parts = attributeMap(tuple);
  const ip = attributeMap(parts.get(CTA_TUPLE_IP) ?? new Uint8Array());
  const protocol = attributeMap(parts.get(CTA_TUPLE_PROTO) ?? new Uint8Array());
  return {
    source: ip.get(CTA_IP_V4_SRC) ?? ip.get(CTA_IP_V6_SRC),
    destination: ip.get(CTA_IP_V4_DST) ?? ip.get(CTA_IP_V6_DST),
    protocol: readUnsignedBe(protocol.get(CTA_PROTO_NUM)),
    sourcePort: readUnsignedBe(protocol.get(CTA_PROTO_SRC_PORT)),
    destinationPort: readUnsignedBe(protocol.get(CTA_PROTO_DST_PORT)),
  };
}
