// Whole Ethernet frames of one interface, received through a kernel filter and sent as they are (packet(7)).
import { attachFilter, type BpfInstruction } from './bpf-filter.ts';
import { SystemError } from './errno.ts';
import {
  AF_PACKET,
  bind,
  close,
  receive,
  SO_RCVBUF,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  send,
  setSocketOption,
  setSocketOptionInt,
  socket,
} from './libc.ts';
import { onReadable } from './poll.ts';

export interface PacketSocket extends Disposable {
  /** Sends a frame, Ethernet header included. Throws SystemError: ENETDOWN when down, ENXIO when gone, ENOBUFS when full. */
  send(frame: Uint8Array): void;
  /** Receives frames for this Ethernet multicast address as well. Throws SystemError. */
  addMulticast(mac: Uint8Array): void;
  removeMulticast(mac: Uint8Array): void;
}

export interface PacketSocketOptions {
  readonly interfaceIndex: number;
  /** An EtherType, such as 0x0806; 3 (ETH_P_ALL) for all. */
  readonly protocol: number;
  /** Without one, all frames of that type. */
  readonly filter?: readonly BpfInstruction[];
  /** The longest frame to be received; longer ones are left out. */
  readonly maximumFrameBytes?: number;
  /** Called with each frame of others that passes the filter; the bytes are valid during the call only. */
  readonly onFrame: (frame: Uint8Array) => void;
}

const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_DROP_MEMBERSHIP = 2;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_MULTICAST = 0;

/**
 * Opens the socket in the calling thread's network namespace. Needs CAP_NET_RAW. It survives its interface going down
 * and up again. Throws SystemError: ENODEV when there is no such interface.
 */
export function openPacketSocket(options: PacketSocketOptions): PacketSocket {
  const { interfaceIndex, protocol, filter, maximumFrameBytes = 2048, onFrame } = options;
  // Without a protocol nothing is queued before the filter is in place; bind sets it.
  const fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  try {
    if (filter !== undefined) attachFilter(fd, filter);
    setSocketOptionInt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    setSocketOptionInt(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    bind(fd, linkLayerAddress(interfaceIndex, protocol));
  } catch (error) {
    close(fd);
    throw error;
  }
  // One view for each length seen, so that receiving a frame allocates nothing.
  const buffer = new Uint8Array(maximumFrameBytes);
  const views = new Map<number, Uint8Array>();
  const viewOf = (length: number): Uint8Array => {
    const view = views.get(length) ?? buffer.subarray(0, length);
    views.set(length, view);
    return view;
  };
  let open = true;
  const poll = onReadable(fd, () => {
    while (open) {
      const length = receiveFrame(fd, buffer);
      if (length === undefined) return;
      if (length <= buffer.length) onFrame(viewOf(length));
    }
  });
  const membership = (option: number, mac: Uint8Array): void =>
    setSocketOption(fd, SOL_PACKET, option, multicastRequest(interfaceIndex, mac));
  return {
    send: (frame) => send(fd, frame),
    addMulticast: (mac) => membership(PACKET_ADD_MEMBERSHIP, mac),
    removeMulticast: (mac) => membership(PACKET_DROP_MEMBERSHIP, mac),
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      poll[Symbol.dispose]();
      close(fd);
    },
  };
}

/** The interface going down is told once through the socket; links.ts tells it better. */
function receiveFrame(fd: number, buffer: Uint8Array): number | undefined {
  try {
    return receive(fd, buffer);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENETDOWN') return undefined;
    throw error;
  }
}

/** struct sockaddr_ll: family, protocol (network order), interface index; the rest is not read by bind. */
function linkLayerAddress(interfaceIndex: number, protocol: number): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, interfaceIndex, true);
  return address;
}

/** struct packet_mreq: interface index, type, address length, address. */
function multicastRequest(interfaceIndex: number, mac: Uint8Array): Uint8Array {
  const request = new Uint8Array(16);
  const view = new DataView(request.buffer);
  view.setInt32(0, interfaceIndex, true);
  view.setUint16(4, PACKET_MR_MULTICAST, true);
  view.setUint16(6, mac.length, true);
  request.set(mac, 8);
  return request;
}
