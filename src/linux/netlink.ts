// Netlink sockets: send prepared messages, collect acknowledgements and dumps, follow multicast groups.
import { SystemError } from './errno.ts';
import {
  AF_NETLINK,
  bind,
  close,
  receive,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  send,
  setSocketOptionInt,
  socket,
  socketOptionInt,
} from './libc.ts';
import {
  attributeMap,
  type NetlinkMessage,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  readMessages,
  readString,
} from './netlink-message.ts';
import { onReadable } from './poll.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSGERR_ATTR_MSG = 1;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export interface NetlinkSocket extends Disposable {
  /**
   * The longest datagram that can be sent. Without CAP_NET_ADMIN in the initial user namespace (a user's private
   * namespace does not count) it is `net.core.wmem_max` doubled, 416 KiB by the kernel's default.
   */
  readonly maximumSendBytes: number;
  /**
   * Sends one datagram of one or more messages. The kernel has handled it when this returns. Throws SystemError:
   * EMSGSIZE beyond `maximumSendBytes`.
   */
  send(messages: Uint8Array): void;
  /**
   * The next datagram's messages, valid until the next call; undefined when there is none now. Throws SystemError:
   * ENOBUFS when the kernel had to drop some.
   */
  receive(): readonly NetlinkMessage[] | undefined;
  /** Calls back when there is something to receive, until disposed. */
  onReadable(callback: () => void): Disposable;
}

export interface NetlinkOptions {
  readonly protocol: number;
  /** Multicast groups by number (RTNLGRP_…, NFNLGRP_…). */
  readonly groups?: readonly number[];
  /** Both buffers' wanted sizes; what the kernel allows without CAP_NET_ADMIN is taken where it refuses more. */
  readonly bufferBytes?: number;
}

/** Opens a netlink socket in the calling thread's network namespace. Throws SystemError. */
export function openNetlink({ protocol, groups = [], bufferBytes = 4 << 20 }: NetlinkOptions): NetlinkSocket {
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
  const polls = new Set<Disposable>();
  let maximumSendBytes: number;
  try {
    growBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bufferBytes);
    growBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bufferBytes);
    setSocketOptionInt(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    setSocketOptionInt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    // struct sockaddr_nl: the kernel chooses the port id.
    bind(fd, new Uint8Array(Uint16Array.of(AF_NETLINK, 0, 0, 0, 0, 0).buffer));
    for (const group of groups) setSocketOptionInt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    maximumSendBytes = socketOptionInt(fd, SOL_SOCKET, SO_SNDBUF) - sendOverheadBytes;
  } catch (error) {
    close(fd);
    throw error;
  }
  // Dumps come in datagrams of up to 32 KiB (NETLINK_ALLOC in af_netlink.c); one that is longer grows the buffer.
  let buffer = new Uint8Array(64 << 10);
  let closed = false;
  return {
    maximumSendBytes,
    send: (messages) => send(fd, messages),
    receive() {
      const length = receive(fd, buffer);
      if (length === undefined) return undefined;
      if (length > buffer.length) {
        buffer = new Uint8Array(length);
        throw new SystemError('recv', ENOBUFS, 'a datagram was longer than the buffer');
      }
      return [...readMessages(buffer.subarray(0, length))];
    },
    onReadable(callback) {
      const poll = onReadable(fd, callback);
      polls.add(poll);
      return poll;
    },
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      for (const poll of polls) poll[Symbol.dispose]();
      close(fd);
    },
  };
}

const ENOBUFS = 105;
/** What netlink_sendmsg keeps of the send buffer for itself. */
const sendOverheadBytes = 32;

function growBuffer(fd: number, force: number, plain: number, bytes: number): void {
  try {
    setSocketOptionInt(fd, SOL_SOCKET, force, bytes);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EPERM') throw error;
    setSocketOptionInt(fd, SOL_SOCKET, plain, bytes);
  }
}

/** What the kernel said of one message: errno 0 is an acknowledgement. */
export interface Acknowledgement {
  readonly sequence: number;
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), or empty. */
  readonly detail: string;
}

/** Reads an NLMSG_ERROR message (struct nlmsgerr and its attributes). */
export function readAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const view = new DataView(message.payload.buffer, message.payload.byteOffset, message.payload.length);
  const errno = -view.getInt32(0, true);
  // The request follows: its header alone when capped, else the whole of it.
  const quoted = message.flags & NLM_F_CAPPED ? 16 : (view.getUint32(4, true) + 3) & ~3;
  const attributes =
    message.flags & NLM_F_ACK_TLVS
      ? attributeMap(message.payload, 4 + quoted)
      : new Map<number, Uint8Array>();
  return { sequence: view.getUint32(12, true), errno, detail: readString(attributes.get(NLMSGERR_ATTR_MSG)) };
}

/**
 * Sends one request and collects its answer: the messages of a dump or a get, copied. Throws SystemError with the
 * kernel's reason; EINTR when a dump changed while it was read (ask again).
 */
export function request(netlink: NetlinkSocket, syscall: string, bytes: Uint8Array): NetlinkMessage[] {
  const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const answer: NetlinkMessage[] = [];
  let interrupted = false;
  netlink.send(bytes);
  // The kernel queues the first part before send returns, and each next one while the last is received.
  for (;;) {
    const messages = netlink.receive();
    if (messages === undefined) throw new SystemError(syscall, 0, 'the kernel sent no answer');
    for (const message of messages) {
      if (message.sequence !== sequence) continue;
      if (message.flags & NLM_F_DUMP_INTR) interrupted = true;
      if (message.type === NLMSG_ERROR) {
        const { errno, detail } = readAcknowledgement(message);
        if (errno !== 0) throw new SystemError(syscall, errno, detail);
        return answer;
      }
      if (message.type === NLMSG_DONE) {
        if (interrupted) throw new SystemError(syscall, EINTR, 'the dump changed while it was read');
        return answer;
      }
      answer.push({ ...message, payload: message.payload.slice() });
    }
  }
}

const EINTR = 4;
