// What all messages of neighbour discovery have in common on Ethernet: their headers, checksum and groups.
import { type Address, addressToBytes } from '../../model/address.ts';
import { etherTypeIpv6, viewOf } from './ethernet.ts';

/** Bytes of Ethernet's and IPv6's before the message. */
export const headers = 14 + 40;
export const icmpv6 = 58;

export const allNodes: Address = { family: 'IPv6', value: (0xff02n << 112n) | 1n };

/** 33:33 and the group's last 32 bits (RFC 2464 §7). */
export const multicastMac = (group: Address): Uint8Array =>
  Uint8Array.of(0x33, 0x33, ...addressToBytes(group).subarray(12));

export const isMulticast = (address: Address): boolean => address.value >> 120n === 0xffn;

/** All but the addresses of IPv6. */
export function writeHeaders(
  frame: Uint8Array,
  view: DataView,
  to: Uint8Array,
  from: Uint8Array,
  payloadLength: number,
): void {
  frame.set(to, 0);
  frame.set(from, 6);
  view.setUint16(12, etherTypeIpv6);
  view.setUint8(14, 0x60);
  view.setUint16(18, payloadLength);
  view.setUint8(20, icmpv6);
  view.setUint8(21, 255);
}

/** The Internet checksum over the pseudo-header and the payload (RFC 4443 §2.3): 0 where the stored one is right. */
export function checksum(frame: Uint8Array, payloadLength: number): number {
  const view = viewOf(frame);
  let sum = payloadLength + icmpv6;
  for (let at = 22; at < 54; at += 2) sum += view.getUint16(at);
  const end = headers + payloadLength;
  for (let at = headers; at + 1 < end; at += 2) sum += view.getUint16(at);
  if (payloadLength % 2 === 1) sum += view.getUint8(end - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
