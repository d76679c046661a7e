// Network interfaces and their addresses, listed and followed by rtnetlink (rtnetlink(7), include/uapi/linux/if_link.h).
import { type Address, addressFromBytes } from '../model/address.ts';
import { SystemError } from './errno.ts';
import { NETLINK_ROUTE, type NetlinkSocket, openNetlink, request } from './netlink.ts';
import {
  attributeMap,
  MessageWriter,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  readString,
  readUnsigned,
} from './netlink-message.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Empty for links without one. */
  readonly mac: Uint8Array;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Switched on and with a carrier. */
  readonly running: boolean;
  readonly loopback: boolean;
  readonly noArp: boolean;
  /** `veth`, `bridge`, `bond`, `vlan` …; empty for a physical link. */
  readonly kind: string;
  /** The bridge or bond that it is a member of. */
  readonly masterIndex: number | undefined;
  readonly addresses: readonly LinkAddress[];
}

export interface LinkAddress {
  readonly address: Address;
  readonly prefixLength: number;
  readonly scope: 'global' | 'link' | 'host';
  /** Not usable yet: duplicate address detection runs, or failed. */
  readonly tentative: boolean;
}

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const RTEXT_FILTER_SKIP_STATS = 1 << 3;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_DADFAILED = 0x8;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_OPTIMISTIC = 0x4;

const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV6_IFADDR = 9;

/** All links of the calling thread's network namespace, by index. Throws SystemError. */
export function listLinks(): Link[] {
  using netlink = openNetlink({ protocol: NETLINK_ROUTE });
  return dumpLinks(netlink);
}

/**
 * Calls back with all links at once, and again after every change of a link or an address, until disposed. A burst
 * of changes is one call.
 */
export function watchLinks(onChange: (links: readonly Link[]) => void): Disposable {
  using sockets = new DisposableStack();
  const events = sockets.use(
    openNetlink({
      protocol: NETLINK_ROUTE,
      groups: [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
    }),
  );
  const dumps = sockets.use(openNetlink({ protocol: NETLINK_ROUTE }));
  onChange(dumpLinks(dumps));
  events.onReadable(() => {
    drain(events);
    onChange(dumpLinks(dumps));
  });
  return sockets.move();
}

/** What changed is of no matter, since everything is read again; neither is what the kernel had to drop. */
function drain(events: NetlinkSocket): void {
  for (;;) {
    try {
      if (events.receive() === undefined) return;
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'ENOBUFS') throw error;
    }
  }
}

function dumpLinks(netlink: NetlinkSocket): Link[] {
  const links = dump(netlink, RTM_GETLINK, RTM_NEWLINK);
  const addresses = new Map<number, LinkAddress[]>();
  for (const { payload } of dump(netlink, RTM_GETADDR, RTM_NEWADDR)) {
    const index = new DataView(payload.buffer, payload.byteOffset).getUint32(4, true);
    const address = readAddress(payload);
    if (address === undefined) continue;
    const list = addresses.get(index);
    if (list === undefined) addresses.set(index, [address]);
    else list.push(address);
  }
  return links.map(({ payload }) => readLink(payload, addresses)).sort((a, b) => a.index - b.index);
}

function dump(netlink: NetlinkSocket, type: number, answer: number): NetlinkMessage[] {
  const writer = new MessageWriter(64);
  writer.begin(type, NLM_F_REQUEST | NLM_F_DUMP, 1);
  // struct ifinfomsg, whose first byte (the family, any) is also that of struct ifaddrmsg.
  writer.raw(new Uint8Array(16));
  // Counters make up most of a link; RTM_GETADDR takes no notice of this.
  writer.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  writer.end();
  for (;;) {
    try {
      return request(netlink, 'rtnetlink', writer.bytes).filter((message) => message.type === answer);
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EINTR') throw error;
    }
  }
}

/** struct ifinfomsg: family, pad, type (u16), index (i32), flags (u32), change. */
function readLink(payload: Uint8Array, addresses: ReadonlyMap<number, LinkAddress[]>): Link {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const index = view.getInt32(4, true);
  const flags = view.getUint32(8, true);
  const attributes = attributeMap(payload, 16);
  const info = attributes.get(IFLA_LINKINFO);
  const master = attributes.get(IFLA_MASTER);
  return {
    index,
    name: readString(attributes.get(IFLA_IFNAME)),
    mac: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(0),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    noArp: (flags & IFF_NOARP) !== 0,
    kind: info === undefined ? '' : readString(attributeMap(info).get(IFLA_INFO_KIND)),
    masterIndex: master === undefined ? undefined : readUnsigned(master),
    addresses: addresses.get(index) ?? [],
  };
}

/** struct ifaddrmsg: family, prefix length, flags, scope (u8 each), index (u32). */
function readAddress(payload: Uint8Array): LinkAddress | undefined {
  const [, prefixLength = 0, shortFlags = 0, scope = 0] = payload;
  const attributes = attributeMap(payload, 8);
  // On a point-to-point link IFA_ADDRESS is the peer's; IFA_LOCAL, where present, is always ours.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return undefined;
  const flags = readUnsigned(attributes.get(IFA_FLAGS)) || shortFlags;
  const waiting = (flags & IFA_F_TENTATIVE) !== 0 && (flags & IFA_F_OPTIMISTIC) === 0;
  return {
    address: addressFromBytes(bytes),
    prefixLength,
    scope: scope === 254 ? 'host' : scope === 253 ? 'link' : 'global',
    tentative: waiting || (flags & IFA_F_DADFAILED) !== 0,
  };
}
