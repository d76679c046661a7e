// Netfilter's netlink framing (include/uapi/linux/netfilter/nfnetlink.h): its message header, and batches, which the
// kernel applies as one transaction.
import { SystemError } from './errno.ts';
import { type Acknowledgement, type NetlinkSocket, readAcknowledgement } from './netlink.ts';
import {
  type MessageWriter,
  type NetlinkMessage,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './netlink-message.ts';

const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

/** struct nfgenmsg: family, version 0, resource id in network order. */
export const nfGenLength = 4;

/** Starts a message of a netfilter subsystem; NLM_F_REQUEST is added to the flags. `writer.end()` ends it. */
export function beginNetfilterMessage(
  writer: MessageWriter,
  message: {
    readonly subsystem: number;
    readonly type: number;
    readonly flags: number;
    readonly sequence: number;
    /** An NFPROTO_ or AF_ number. */
    readonly family: number;
  },
): void {
  const { subsystem, type, flags, sequence, family } = message;
  writer.begin((subsystem << 8) | type, flags | NLM_F_REQUEST, sequence);
  writer.raw(Uint8Array.of(family, 0, 0, 0));
}

/** Begins a transaction of one subsystem. Its sequence number is that of errors which belong to no message. */
export const beginBatch = (writer: MessageWriter, subsystem: number, sequence: number): void =>
  batchMessage(writer, NFNL_MSG_BATCH_BEGIN, subsystem, sequence);

export const endBatch = (writer: MessageWriter, subsystem: number, sequence: number): void =>
  batchMessage(writer, NFNL_MSG_BATCH_END, subsystem, sequence);

function batchMessage(writer: MessageWriter, type: number, subsystem: number, sequence: number): void {
  writer.begin(type, NLM_F_REQUEST, sequence);
  writer.raw(Uint8Array.of(0, 0, subsystem >> 8, subsystem & 0xff));
  writer.end();
}

/**
 * Sends messages and collects what the kernel says of them: an error for each that failed, and an acknowledgement for
 * each that asked for one by NLM_F_ACK. A batch is done, or was given up, when this returns. Throws SystemError.
 */
export function transact(netlink: NetlinkSocket, messages: Uint8Array): Acknowledgement[] {
  netlink.send(messages);
  const answers: Acknowledgement[] = [];
  for (let received = netlink.receive(); received !== undefined; received = netlink.receive()) {
    for (const message of received)
      if (message.type === NLMSG_ERROR) answers.push(readAcknowledgement(message));
  }
  return answers;
}

/**
 * Sends a dump request and yields its answer, datagram by datagram; the messages are views into the receive buffer,
 * valid until the next step. Nothing else may use the socket meanwhile. A dump during which the tables changed is
 * complete only as far as nobody changed what it shows. Throws SystemError with the kernel's reason.
 */
export function* dump(
  netlink: NetlinkSocket,
  syscall: string,
  request: Uint8Array,
): Generator<readonly NetlinkMessage[]> {
  const sequence = new DataView(request.buffer, request.byteOffset).getUint32(8, true);
  netlink.send(request);
  for (;;) {
    const received = netlink.receive();
    if (received === undefined) throw new SystemError(syscall, 0, 'the kernel sent no answer');
    const messages: NetlinkMessage[] = [];
    let done = false;
    for (const message of received) {
      if (message.sequence !== sequence) continue;
      if (message.type === NLMSG_DONE) done = true;
      else if (message.type === NLMSG_ERROR) {
        const { errno, detail } = readAcknowledgement(message);
        if (errno !== 0) throw new SystemError(syscall, errno, detail);
        done = true;
      } else messages.push(message);
    }
    if (messages.length > 0) yield messages;
    if (done) return;
  }
}
