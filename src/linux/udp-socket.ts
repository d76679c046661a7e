// UDP with what Node's does not tell or set: how many hops a datagram came, by which interface and to which address
// (ip(7), ipv6(7)), and a sender of one flow whose failures are numbers. Receiving and sending allocate nothing.
import type { Address, Family } from '../model/address.ts';
import { attachFilter, BPF_JEQ, BPF_LD_B, BPF_RET } from './bpf-filter.ts';
import { errnoName } from './errno.ts';
import {
  AF_INET,
  AF_INET6,
  bind,
  close,
  connect,
  receiveMessage,
  SO_BINDTODEVICE,
  SO_RCVBUF,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  setSocketOption,
  setSocketOptionInt,
  socket,
  trySend,
  trySendTo,
} from './libc.ts';
import { addressOfBuffer } from './memory.ts';
import { onReadable } from './poll.ts';
import { socketAddress } from './socket-address.ts';

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_PKTINFO = 8;
const IP_RECVTTL = 12;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
const IPV6_RECVHOPLIMIT = 51;
const IPV6_HOPLIMIT = 52;
const IPV6_TCLASS = 67;

/** What is said of a datagram; the object and its bytes are the same ones for each, and valid during the call only. */
export interface DatagramOrigin {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  sourcePort: number;
  interfaceIndex: number;
  /** TTL or hop limit. */
  ttl: number;
}

export interface UdpReceiver extends Disposable {
  /** Receives all that there is now, without waiting for the event loop's next turn. */
  drain(): void;
  /** True: calls back by itself as datagrams come, which is so at first. False: only when it is drained. */
  setListening(isListening: boolean): void;
  /** Sends to where the last datagram came from, with this TTL; what fails is lost. For use while it is handled. */
  answer(bytes: Uint8Array, ttl: number): void;
}

export interface UdpReceiverOptions {
  readonly family: Family;
  readonly port: number;
  /** Leave to the kernel to drop what has another TTL than 255, that is, does not come from a neighbour (RFC 5082). */
  readonly onlyNeighbours: boolean;
  readonly onDatagram: (bytes: Uint8Array, origin: DatagramOrigin) => void;
}

/**
 * Receives on all addresses of the calling thread's network namespace. IP_MINTTL has no effect on UDP, so that a filter
 * looks at the network header. Throws SystemError: EADDRINUSE where another program has the port.
 */
export function openUdpReceiver({
  family,
  port,
  onlyNeighbours,
  onDatagram,
}: UdpReceiverOptions): UdpReceiver {
  const isIpv4 = family === 'IPv4';
  const fd = socket(isIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  try {
    if (onlyNeighbours) attachFilter(fd, neighbourFilter(family));
    if (isIpv4) {
      setSocketOptionInt(fd, IPPROTO_IP, IP_PKTINFO, 1);
      setSocketOptionInt(fd, IPPROTO_IP, IP_RECVTTL, 1);
    } else {
      setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    }
    setSocketOptionInt(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    bind(fd, socketAddress({ family, value: 0n }, port));
  } catch (error) {
    close(fd);
    throw error;
  }
  const message = createMessage(family);
  let open = true;
  const drain = (): void => {
    while (open) {
      const bytes = message.receive(fd);
      if (bytes === undefined) return;
      onDatagram(bytes, message.origin);
    }
  };
  const poll = onReadable(fd, drain);
  return {
    drain,
    setListening: (isListening) => (isListening ? poll.resume() : poll.pause()),
    answer(bytes, ttl) {
      if (isIpv4) setSocketOptionInt(fd, IPPROTO_IP, IP_TTL, ttl);
      else setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
      trySendTo(fd, bytes, message.name.subarray(0, isIpv4 ? 16 : 28));
    },
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      poll[Symbol.dispose]();
      close(fd);
    },
  };
}

/** SKF_NET_OFF (linux/filter.h): from the network header on. */
const networkHeader = 0xfff0_0000;

const neighbourFilter = (family: Family) =>
  [
    [BPF_LD_B, 0, 0, networkHeader + (family === 'IPv4' ? 8 : 7)],
    [BPF_JEQ, 0, 1, 255],
    [BPF_RET, 0, 0, 0xffff],
    [BPF_RET, 0, 0, 0],
  ] as const;

/** Longer ones are cut. */
const longestBytes = 1500;
const nameLength = 28;
const controlLength = 128;

/** A struct msghdr with all that it points to, for one datagram after the other. */
function createMessage(family: Family) {
  const isIpv4 = family === 'IPv4';
  const data = new Uint8Array(longestBytes);
  const name = new Uint8Array(nameLength);
  const control = new Uint8Array(controlLength);
  // struct msghdr (56 bytes): name, its length; vectors, their number; control data, its length; flags. Then the only
  // struct iovec: data, its length.
  const header = new Uint8Array(72);
  const fields = new DataView(header.buffer);
  fields.setBigUint64(0, addressOfBuffer(name), true);
  fields.setBigUint64(16, addressOfBuffer(header) + 56n, true);
  fields.setBigUint64(24, 1n, true);
  fields.setBigUint64(32, addressOfBuffer(control), true);
  fields.setBigUint64(56, addressOfBuffer(data), true);
  fields.setBigUint64(64, BigInt(longestBytes), true);
  const nameView = new DataView(name.buffer);
  const controlView = new DataView(control.buffer);
  const origin: DatagramOrigin = {
    source: isIpv4 ? name.subarray(4, 8) : name.subarray(8, 24),
    destination: new Uint8Array(isIpv4 ? 4 : 16),
    sourcePort: 0,
    interfaceIndex: 0,
    ttl: 0,
  };
  const views = new Map<number, Uint8Array>();

  /** struct cmsghdr: length with this header (u64), level, type (i32 each); then the data, padded to 8. */
  const readControl = (): void => {
    const end = Math.min(fields.getUint32(40, true), controlLength);
    for (let at = 0; at + 16 <= end; ) {
      const length = controlView.getUint32(at, true);
      if (length < 16) return;
      const type = controlView.getInt32(at + 12, true);
      const body = at + 16;
      if (isIpv4 && type === IP_PKTINFO) {
        origin.interfaceIndex = controlView.getInt32(body, true);
        copy(control, body + 8, origin.destination);
      } else if (isIpv4 && type === IP_TTL) origin.ttl = controlView.getInt32(body, true);
      else if (type === IPV6_PKTINFO) {
        copy(control, body, origin.destination);
        origin.interfaceIndex = controlView.getInt32(body + 16, true);
      } else if (type === IPV6_HOPLIMIT) origin.ttl = controlView.getInt32(body, true);
      at += (length + 7) & ~7;
    }
  };

  return {
    origin,
    name,
    receive(fd: number): Uint8Array | undefined {
      fields.setUint32(8, nameLength, true);
      fields.setUint32(40, controlLength, true);
      const length = receiveMessage(fd, header);
      if (length === undefined) return undefined;
      origin.sourcePort = nameView.getUint16(2);
      readControl();
      const kept = Math.min(length, longestBytes);
      const view = views.get(kept) ?? data.subarray(0, kept);
      views.set(kept, view);
      return view;
    },
  };
}

function copy(from: Uint8Array, at: number, into: Uint8Array): void {
  for (let index = 0; index < into.length; index++) into[index] = from[at + index] ?? 0;
}

export interface UdpSender extends Disposable {
  /** Undefined, or the failure by its usual name, `ENETUNREACH`; of an earlier datagram also: `ECONNREFUSED`. */
  send(bytes: Uint8Array): string | undefined;
}

export interface UdpSenderOptions {
  /** Undefined: the kernel chooses. */
  readonly local: Address | undefined;
  readonly localPort: number;
  readonly peer: Address;
  readonly peerPort: number;
  /** Leave by it alone. */
  readonly device: { readonly name: string; readonly index: number } | undefined;
  readonly ttl: number;
  /** TOS or traffic class. */
  readonly trafficClass: number;
}

/**
 * A socket for one flow. Throws SystemError: EADDRINUSE where the port is taken, EADDRNOTAVAIL where the local address is
 * not there, ENODEV where the device is not, ENETUNREACH without a route.
 */
export function openUdpSender(options: UdpSenderOptions): UdpSender {
  const { local, localPort, peer, peerPort, device, ttl, trafficClass } = options;
  const isIpv4 = peer.family === 'IPv4';
  const fd = socket(isIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  try {
    if (device !== undefined)
      setSocketOption(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device.name}\0`, 'latin1'));
    if (isIpv4) {
      setSocketOptionInt(fd, IPPROTO_IP, IP_TTL, ttl);
      setSocketOptionInt(fd, IPPROTO_IP, IP_TOS, trafficClass);
    } else {
      setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
      setSocketOptionInt(fd, IPPROTO_IPV6, IPV6_TCLASS, trafficClass);
    }
    // Nothing is read here; the least that the kernel allows waits.
    setSocketOptionInt(fd, SOL_SOCKET, SO_RCVBUF, 0);
    bind(fd, socketAddress(local ?? { family: peer.family, value: 0n }, localPort, device?.index));
    connect(fd, socketAddress(peer, peerPort, device?.index));
  } catch (error) {
    close(fd);
    throw error;
  }
  let open = true;
  return {
    send(bytes) {
      if (!open) return 'EBADF';
      const errno = trySend(fd, bytes);
      return errno === 0 ? undefined : errnoName(errno);
    },
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      close(fd);
    },
  };
}
