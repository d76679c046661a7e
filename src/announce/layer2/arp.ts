// ARP for IPv4 over Ethernet (RFC 826, RFC 5227): frames to data and back. Reading is total.
import { type Address, addressFromBytes, addressToBytes } from '../../model/address.ts';
import type { Asker } from './askers.ts';
import { broadcastMac, etherTypeArp, type FrameError, frameError, viewOf, zeroMac } from './ethernet.ts';

export interface ArpMessage {
  /** Of the Ethernet header. */
  readonly destinationMac: Uint8Array;
  readonly operation: 'request' | 'reply';
  readonly senderMac: Uint8Array;
  /** 0.0.0.0 in a probe (RFC 5227 §2.1.1). */
  readonly senderIp: Address;
  readonly targetMac: Uint8Array;
  readonly targetIp: Address;
}

const length = 42;

/** Reads a frame; its bytes are copied. */
export function readArp(frame: Uint8Array): ArpMessage | FrameError {
  if (frame.length < length) return frameError('too-short');
  const view = viewOf(frame);
  if (view.getUint16(12) !== etherTypeArp) return frameError('not-arp');
  // Hardware type Ethernet, protocol type IPv4, their lengths 6 and 4.
  if (view.getUint16(14) !== 1 || view.getUint16(16) !== 0x0800 || view.getUint16(18) !== 0x0604) {
    return frameError('bad-field');
  }
  const operation = view.getUint16(20);
  if (operation !== 1 && operation !== 2) return frameError('bad-field');
  return {
    destinationMac: frame.slice(0, 6),
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: frame.slice(22, 28),
    senderIp: addressFromBytes(frame.subarray(28, 32)),
    targetMac: frame.slice(32, 38),
    targetIp: addressFromBytes(frame.subarray(38, 42)),
  };
}

/** Writes a frame whose Ethernet source is the sender's address. */
export function writeArp(message: ArpMessage): Uint8Array {
  const frame = new Uint8Array(length);
  const view = viewOf(frame);
  frame.set(message.destinationMac, 0);
  frame.set(message.senderMac, 6);
  view.setUint16(12, etherTypeArp);
  view.setUint16(14, 1);
  view.setUint16(16, 0x0800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, message.operation === 'request' ? 1 : 2);
  frame.set(message.senderMac, 22);
  frame.set(addressToBytes(message.senderIp), 28);
  frame.set(message.targetMac, 32);
  frame.set(addressToBytes(message.targetIp), 38);
  return frame;
}

/** "Does anybody have the address?", as one asks who is about to take it himself (RFC 5227 §2.1.1). */
export const arpProbe = (target: Address, mac: Uint8Array): Uint8Array =>
  writeArp({
    destinationMac: broadcastMac,
    operation: 'request',
    senderMac: mac,
    senderIp: { family: 'IPv4', value: 0n },
    targetMac: zeroMac,
    targetIp: target,
  });

/**
 * "The address is at this MAC", to everyone (RFC 5944 §4.6 calls it gratuitous). Some neighbours heed only the request,
 * some only the reply: send both.
 */
export const gratuitousArp = (
  operation: 'request' | 'reply',
  address: Address,
  mac: Uint8Array,
): Uint8Array =>
  writeArp({
    destinationMac: broadcastMac,
    operation,
    senderMac: mac,
    senderIp: address,
    targetMac: operation === 'request' ? zeroMac : mac,
    targetIp: address,
  });

/** The same to one that has asked before: a reply as it would get it if it asked again. */
export const unicastArp = (address: Address, mac: Uint8Array, asker: Asker): Uint8Array =>
  writeArp({
    destinationMac: asker.mac,
    operation: 'reply',
    senderMac: mac,
    senderIp: address,
    targetMac: asker.mac,
    targetIp: asker.address,
  });
