// Unnumbered peers: who is at the other end of each interface, heard by router advertisements, and ours by which it hears us.
import {
  advertised,
  heardRouter,
  isLonely,
  type LinkNeighbour,
  lostCarrier,
  newLinkNeighbour,
} from '../../announce/bgp/link-neighbour.ts';
import { etherTypeIpv6 } from '../../announce/layer2/ethernet.ts';
import { readRouterAdvertisement, routerAdvertisement } from '../../announce/layer2/router-advertisement.ts';
import type { Link } from '../../linux/links.ts';
import type { PacketSocket, PacketSocketOptions } from '../../linux/packet-socket.ts';
import { type Address, formatAddress, isLinkLocal } from '../../model/address.ts';
import type { Log } from '../../observe/log.ts';
import { routerAdvertisementFilter } from '../../pulse/packet-filter.ts';

export interface Unnumbered extends Disposable {
  /** Undefined: nobody has been heard there yet. */
  neighbourOn(interfaceName: string): Address | undefined;
  /** The interfaces that there are such peers on. */
  want(interfaces: ReadonlySet<string>): void;
}

export interface UnnumberedOptions {
  readonly log: Log;
  /** Another router is the neighbour on some interface. */
  readonly changed: () => void;
  /** Native code, which is loaded only where there is such a peer. */
  readonly load?: () => Promise<LinkAccess>;
}

export interface LinkAccess {
  watchLinks(onChange: (links: readonly Link[]) => void): Disposable;
  openPacketSocket(options: PacketSocketOptions): PacketSocket;
}

interface Interface extends LinkNeighbour {
  link: Link | undefined;
  socket: PacketSocket | undefined;
}

const tickMilliseconds = 500;

export function createUnnumbered({ log, changed, load = loadLinkAccess }: UnnumberedOptions): Unnumbered {
  const interfaces = new Map<string, Interface>();
  let links: readonly Link[] = [];
  let access: LinkAccess | undefined;
  let watching: Disposable | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const hear = (name: string, one: Interface, frame: Uint8Array): void => {
    const told = readRouterAdvertisement(frame);
    if ('error' in told) return;
    const about = { interface: name, address: formatAddress(told.source) };
    const verdict = heardRouter(one, told.source, performance.now());
    if (verdict === 'rival') log.warn('bgp-second-router', { ...about, next: rivalAdvice });
    if (verdict !== 'neighbour') return;
    log.info('bgp-router-heard', about);
    changed();
    advertise();
  };

  const close = (one: Interface): void => {
    one.socket?.[Symbol.dispose]();
    one.socket = undefined;
  };

  /** The socket is of the link as it is now: an interface that was made anew has another index. */
  const follow = (name: string, one: Interface): void => {
    const before = one.link;
    const link = links.find((each) => each.name === name);
    one.link = link;
    if (before?.running === true && link?.running !== true) lostCarrier(one, performance.now());
    if (before?.index !== link?.index) close(one);
    if (link === undefined || one.socket !== undefined || access === undefined) return;
    try {
      one.socket = access.openPacketSocket({
        interfaceIndex: link.index,
        protocol: etherTypeIpv6,
        filter: routerAdvertisementFilter,
        onFrame: (frame) => hear(name, one, frame),
      });
    } catch (error) {
      log.warn('bgp-routers-not-heard', { interface: name, error, next: socketAdvice });
    }
  };

  const advertise = (): void => {
    const now = performance.now();
    for (const [name, one] of interfaces) {
      const { link, socket } = one;
      const own = link?.addresses.find(({ address, tentative }) => !tentative && isOwn(address));
      if (now < one.nextAt || link?.running !== true || socket === undefined || own === undefined) continue;
      try {
        socket.send(routerAdvertisement(own.address, link.mac));
      } catch {
        // Down, gone or full: the next one goes out when its time comes.
      }
      advertised(one, now);
      if (isLonely(one)) log.warn('bgp-no-router-heard', { interface: name, next: lonelyAdvice });
    }
  };

  const begin = async (): Promise<void> => {
    const loaded = await load();
    if (isClosed || interfaces.size === 0 || access !== undefined) return;
    access = loaded;
    watching = loaded.watchLinks((all) => {
      links = all;
      for (const [name, one] of interfaces) follow(name, one);
      advertise();
    });
    timer = setInterval(advertise, tickMilliseconds);
  };

  const end = (): void => {
    clearInterval(timer);
    watching?.[Symbol.dispose]();
    watching = undefined;
    access = undefined;
  };

  return {
    neighbourOn: (name) => interfaces.get(name)?.address,
    want(names) {
      for (const [name, one] of interfaces)
        if (!names.has(name)) {
          close(one);
          interfaces.delete(name);
        }
      for (const name of names) {
        if (interfaces.has(name)) continue;
        const one = { ...newLinkNeighbour(performance.now()), link: undefined, socket: undefined };
        interfaces.set(name, one);
        follow(name, one);
      }
      if (interfaces.size === 0) end();
      else if (access === undefined) void begin();
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const one of interfaces.values()) close(one);
      end();
    },
  };
}

const isOwn = (address: Address): boolean => address.family === 'IPv6' && isLinkLocal(address);

const loadLinkAccess = async (): Promise<LinkAccess> => {
  const [{ watchLinks }, { openPacketSocket }] = await Promise.all([
    import('../../linux/links.ts'),
    import('../../linux/packet-socket.ts'),
  ]);
  return { watchLinks, openPacketSocket };
};

const rivalAdvice =
  'The first router heard stays the peer. An unnumbered session needs a link with one router on it: give each its own, or use peerAddress.';
const lonelyAdvice =
  'No router has said that it is there, so there is no session. Let it send router advertisements (in FRR neighbor INTERFACE interface does so), and look at the cable.';
const socketAdvice = 'Run the agent with CAP_NET_RAW.';
