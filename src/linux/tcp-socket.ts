// TCP with what Node's does not set: MD5 signatures (RFC 2385), hops sent and asked for (RFC 5082), the interface or VRF to
// go by, and the source address. Options are set before the first packet; then the connection is a Socket of Node's.
import { Socket } from 'node:net';
import { type Address, addressFromBytes, type Cidr, type Family } from '../model/address.ts';
import { SystemError } from './errno.ts';
import {
  AF_INET,
  AF_INET6,
  acceptConnection,
  bind,
  close,
  listen,
  SO_BINDTODEVICE,
  SO_ERROR,
  SO_REUSEADDR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  setSocketOption,
  setSocketOptionInt,
  socket,
  socketOptionInt,
  startConnect,
} from './libc.ts';
import { onceWritable, onReadable } from './poll.ts';
import { socketAddress } from './socket-address.ts';
import { setTcpPassword } from './tcp-md5.ts';

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;
const IPV6_MINHOPCOUNT = 73;

/** Which hops a connection takes. */
export interface TcpHops {
  /** TTL or hop limit of what is sent. */
  readonly ttl: number;
  /** What has less is dropped by the kernel; undefined: nothing is. */
  readonly minimumTtl: number | undefined;
}

export interface TcpConnectOptions extends TcpHops {
  readonly peer: Address;
  readonly peerPort: number;
  /** Undefined: the kernel chooses. */
  readonly local: Address | undefined;
  /** An interface, or the device of a VRF: leave by it alone. */
  readonly device: { readonly name: string; readonly index: number } | undefined;
  /** At most 80 bytes; undefined: no signatures. */
  readonly password: string | undefined;
}

export interface TcpConnectHandlers {
  /** It is there: nothing has been read yet. */
  connected(socket: Socket): void;
  failed(error: SystemError): void;
}

/** Of routing protocols (RFC 4594 §3.1). */
const trafficClass = 0xc0;

/**
 * Connects without waiting; one of the handlers is called once, later. Disposed before, none is. Throws SystemError where
 * it cannot even begin: EADDRNOTAVAIL without the local address, ENODEV without the device, ENETUNREACH without a route.
 */
export function connectTcp(options: TcpConnectOptions, handlers: TcpConnectHandlers): Disposable {
  const { peer, peerPort, local, device, password } = options;
  const fd = openSocket(peer.family);
  try {
    if (device !== undefined) bindToDevice(fd, device.name);
    setHops(fd, peer.family, options);
    if (password !== undefined) setTcpPassword(fd, peer, password);
    if (local !== undefined) bind(fd, socketAddress(local, 0, device?.index));
    startConnect(fd, socketAddress(peer, peerPort, device?.index));
  } catch (error) {
    close(fd);
    throw error;
  }
  let isWaiting = true;
  const poll = onceWritable(fd, () => {
    isWaiting = false;
    const errno = socketOptionInt(fd, SOL_SOCKET, SO_ERROR);
    if (errno === 0) return handlers.connected(socketOf(fd));
    close(fd);
    handlers.failed(new SystemError('connect', errno));
  });
  return {
    [Symbol.dispose]() {
      if (!isWaiting) return;
      isWaiting = false;
      poll[Symbol.dispose]();
      close(fd);
    },
  };
}

export interface TcpListenOptions {
  readonly family: Family;
  readonly port: number;
  readonly device: string | undefined;
  /** Take it or refuse it now. */
  readonly onConnection: (connection: AcceptedTcp) => void;
}

export interface AcceptedTcp {
  readonly peer: Address;
  readonly peerPort: number;
  /** Of a link-local peer; 0: another. */
  readonly interfaceIndex: number;
  take(hops: TcpHops): Socket;
  refuse(): void;
}

export interface TcpListener extends Disposable {
  /** Connections from this network must be signed; undefined: must not be. Throws SystemError. */
  setPassword(peers: Cidr, password: string | undefined): void;
}

/** Listens on all addresses of the family. Throws SystemError: EADDRINUSE where another program has the port. */
export function listenTcp({ family, port, device, onConnection }: TcpListenOptions): TcpListener {
  const fd = openSocket(family);
  try {
    setSocketOptionInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family === 'IPv6') setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (device !== undefined) bindToDevice(fd, device);
    // What answers a SYN must reach peers that ask for 255 already.
    setHops(fd, family, { ttl: 255, minimumTtl: undefined });
    bind(fd, socketAddress({ family, value: 0n }, port));
    listen(fd, 16);
  } catch (error) {
    close(fd);
    throw error;
  }
  const name = new Uint8Array(28);
  let open = true;
  const poll = onReadable(fd, () => {
    while (open) {
      const accepted = acceptConnection(fd, name);
      if (accepted === undefined) return;
      onConnection(acceptedTcp(accepted, family, name));
    }
  });
  return {
    setPassword: ({ address, prefixLength }, password) => setTcpPassword(fd, address, password, prefixLength),
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      poll[Symbol.dispose]();
      close(fd);
    },
  };
}

function acceptedTcp(fd: number, family: Family, name: Uint8Array): AcceptedTcp {
  const bytes = family === 'IPv4' ? name.slice(4, 8) : name.slice(8, 24);
  const view = new DataView(name.buffer);
  return {
    peer: addressFromBytes(bytes),
    peerPort: view.getUint16(2),
    interfaceIndex: family === 'IPv4' ? 0 : view.getUint32(24, true),
    take(hops) {
      setHops(fd, family, hops);
      return socketOf(fd);
    },
    refuse: () => close(fd),
  };
}

const openSocket = (family: Family): number =>
  socket(family === 'IPv4' ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);

const bindToDevice = (fd: number, name: string): void =>
  setSocketOption(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${name}\0`, 'latin1'));

function setHops(fd: number, family: Family, { ttl, minimumTtl }: TcpHops): void {
  if (family === 'IPv4') {
    setSocketOptionInt(fd, IPPROTO_IP, IP_TTL, ttl);
    setSocketOptionInt(fd, IPPROTO_IP, IP_TOS, trafficClass);
    setSocketOptionInt(fd, IPPROTO_IP, IP_MINTTL, minimumTtl ?? 0);
  } else {
    setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
    setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_TCLASS, trafficClass);
    setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, minimumTtl ?? 0);
  }
}

/** The descriptor is the Socket's from now on. */
const socketOf = (fd: number): Socket => new Socket({ fd, readable: true, writable: true }).setNoDelay(true);
