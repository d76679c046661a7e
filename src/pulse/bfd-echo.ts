// BFD's echo function at the kernel: our packets go out as frames to the neighbour and come back past the IP stack, which
// would take them for forged; and those that a neighbour's BFD sends to our address are sent back.
import { echoPort, readEchoFrame, writeEchoFrame } from '../announce/bfd/echo-frame.ts';
import type { WantedSession } from '../announce/bfd/table.ts';
import { BPF_JEQ, BPF_LD_B, BPF_LD_H, BPF_RET, type BpfInstruction } from '../linux/bpf-filter.ts';
import { SystemError } from '../linux/errno.ts';
import { neighbourMac } from '../linux/neighbours.ts';
import { NETLINK_ROUTE, type NetlinkSocket, openNetlink } from '../linux/netlink.ts';
import { openPacketSocket, type PacketSocket } from '../linux/packet-socket.ts';
import { openUdpReceiver, type UdpReceiver } from '../linux/udp-socket.ts';
import {
  type Address,
  addressFromBytes,
  cidrContains,
  type Family,
  formatAddress,
  isLinkLocal,
} from '../model/address.ts';
import type { Log } from '../observe/log.ts';

export interface BfdLink {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly addresses: readonly { readonly address: Address; readonly prefixLength: number }[];
}

export interface BfdEcho extends Disposable {
  /** Which sessions there are; those that want echo are made ready for it, as far as their neighbours are known. */
  refresh(wanted: readonly WantedSession[]): void;
  setLinks(links: readonly BfdLink[]): void;
  /** Does nothing where the neighbour is not known. */
  send(wanted: WantedSession, discriminator: number, sequence: number): void;
  /** Calls back with the discriminator of each echo packet that came back. */
  onReturn(callback: (discriminator: number) => void): void;
}

/** How an echo packet of a session goes. */
interface Route {
  readonly link: BfdLink;
  readonly address: Address;
  readonly neighbour: Uint8Array;
}

/** `random`: a number in [0, 1). */
export function createKernelBfdEcho(log: Log, random: () => number): BfdEcho {
  const secret = Math.floor(random() * 0x1_0000_0000);
  const routes = new Map<string, Route>();
  const sockets = new Map<string, PacketSocket>();
  const reflectors = new Map<Family, UdpReceiver>();
  let links: readonly BfdLink[] = [];
  let netlink: NetlinkSocket | undefined;
  let returned: (discriminator: number) => void = () => {};

  const routeOf = ({ peer, local, interfaceName }: WantedSession): Route | undefined => {
    const link = links.find(({ name, addresses }) =>
      interfaceName === undefined ? addresses.some((own) => isOnSubnet(own, peer)) : name === interfaceName,
    );
    if (link === undefined) return undefined;
    netlink ??= openNetlink({ protocol: NETLINK_ROUTE, bufferBytes: 64 << 10 });
    const neighbour = neighbourMac(netlink, link.index, peer);
    // No router forwards what is for a link-local address, so another one of ours is needed.
    const address =
      local !== undefined && !isLinkLocal(local)
        ? local
        : link.addresses.find((own) => own.address.family === peer.family && !isLinkLocal(own.address))
            ?.address;
    return neighbour?.length === 6 && address !== undefined ? { link, address, neighbour } : undefined;
  };

  const openSocket = ({ link, address: { family } }: Route): void => {
    const key = socketKey(link, family);
    if (sockets.has(key)) return;
    sockets.set(
      key,
      openPacketSocket({
        interfaceIndex: link.index,
        protocol: family === 'IPv4' ? 0x0800 : 0x86dd,
        filter: echoFilter(family),
        maximumFrameBytes: 128,
        onFrame(frame) {
          const echo = readEchoFrame(frame, secret);
          if (echo !== undefined) returned(echo.discriminator);
        },
      }),
    );
  };

  /** For a neighbour that sends its echo packets to our address, and not by us to its own. */
  const openReflector = (family: Family, peers: ReadonlySet<string>): void => {
    reflectors.get(family)?.[Symbol.dispose]();
    reflectors.delete(family);
    const reflector = openUdpReceiver({
      family,
      port: echoPort,
      onlyNeighbours: true,
      onDatagram(bytes, { source }) {
        if (peers.has(formatAddress(addressFromBytes(source)))) reflector.answer(bytes, 254);
      },
    });
    reflectors.set(family, reflector);
  };

  let reflected = '';
  const reflect = (wanted: readonly WantedSession[]): void => {
    const peers = wanted.map(({ peer }) => formatAddress(peer)).sort();
    if (peers.join() === reflected) return;
    reflected = peers.join();
    for (const reflector of reflectors.values()) reflector[Symbol.dispose]();
    reflectors.clear();
    for (const family of new Set(wanted.map(({ peer }) => peer.family)))
      openReflector(family, new Set(peers));
  };

  return {
    refresh(all) {
      const wanted = all.filter(({ settings }) => settings.echoIntervalMicroseconds !== undefined);
      routes.clear();
      try {
        for (const one of wanted) {
          const route = routeOf(one);
          if (route === undefined) continue;
          routes.set(routeKey(one), route);
          openSocket(route);
        }
        reflect(wanted);
      } catch (error) {
        // Without echo the control packets still tell.
        if (!(error instanceof SystemError)) throw error;
        log.debug('bfd-echo-failed', { error });
      }
    },
    setLinks(list) {
      links = list;
      for (const [key, socket] of sockets) {
        if (links.some((link) => key.startsWith(`${link.index} `))) continue;
        socket[Symbol.dispose]();
        sockets.delete(key);
      }
    },
    send(wanted, discriminator, sequence) {
      const route = routes.get(routeKey(wanted));
      const socket = route && sockets.get(socketKey(route.link, route.address.family));
      if (route === undefined || socket === undefined) return;
      const { link, address, neighbour } = route;
      try {
        socket.send(
          writeEchoFrame({
            sourceMac: link.mac,
            destinationMac: neighbour,
            address,
            discriminator,
            sequence,
            secret,
          }),
        );
      } catch (error) {
        // It is lost, as one on the wire may be.
        if (!(error instanceof SystemError)) throw error;
      }
    },
    onReturn(callback) {
      returned = callback;
    },
    [Symbol.dispose]() {
      for (const socket of sockets.values()) socket[Symbol.dispose]();
      for (const reflector of reflectors.values()) reflector[Symbol.dispose]();
      sockets.clear();
      reflectors.clear();
      netlink?.[Symbol.dispose]();
      netlink = undefined;
    },
  };
}

const isOnSubnet = (own: BfdLink['addresses'][number], peer: Address): boolean => {
  const bits = BigInt((own.address.family === 'IPv4' ? 32 : 128) - own.prefixLength);
  const network = { family: own.address.family, value: (own.address.value >> bits) << bits };
  return cidrContains({ address: network, prefixLength: own.prefixLength }, peer);
};

const routeKey = ({ peer, local, interfaceName }: WantedSession): string =>
  `${formatAddress(peer)} ${local === undefined ? '-' : formatAddress(local)} ${interfaceName ?? '-'}`;

const socketKey = (link: BfdLink, family: Family): string => `${link.index} ${family}`;

/** UDP to the echo port, without options before it. */
function echoFilter(family: Family): readonly BpfInstruction[] {
  const isIpv4 = family === 'IPv4';
  return [
    [BPF_LD_B, 0, 0, isIpv4 ? 23 : 20],
    [BPF_JEQ, 0, 3, 17],
    [BPF_LD_H, 0, 0, isIpv4 ? 36 : 56],
    [BPF_JEQ, 0, 1, echoPort],
    [BPF_RET, 0, 0, 0xffff],
    [BPF_RET, 0, 0, 0],
  ];
}
