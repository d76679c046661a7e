// BFD echo packets as Ethernet frames (RFC 5881 §4): from our address to our address, by way of a neighbour that forwards
// them back. What they carry is a local matter.
import { type Address, addressToBytes } from '../../model/address.ts';

export interface EchoFrame {
  readonly sourceMac: Uint8Array;
  /** The neighbour's. */
  readonly destinationMac: Uint8Array;
  /** Ours: both source and destination. */
  readonly address: Address;
  readonly discriminator: number;
  readonly sequence: number;
  /** Known to this process alone, so that nobody else can make an echo come back. */
  readonly secret: number;
}

export const echoPort = 3785;

const ethernetHeader = 14;
const udpHeader = 8;
/** Discriminator, sequence, secret. */
const payloadLength = 12;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;
const udp = 17;
/** Internet control (CS6). */
const trafficClass = 0xc0;

export function writeEchoFrame(echo: EchoFrame): Uint8Array {
  const isIpv4 = echo.address.family === 'IPv4';
  const ipHeader = isIpv4 ? 20 : 40;
  const udpLength = udpHeader + payloadLength;
  const frame = new Uint8Array(ethernetHeader + ipHeader + udpLength);
  const view = new DataView(frame.buffer);
  frame.set(echo.destinationMac, 0);
  frame.set(echo.sourceMac, 6);
  view.setUint16(12, isIpv4 ? etherTypeIpv4 : etherTypeIpv6);
  const ip = ethernetHeader;
  const address = addressToBytes(echo.address);
  if (isIpv4) {
    view.setUint8(ip, 0x45);
    view.setUint8(ip + 1, trafficClass);
    view.setUint16(ip + 2, ipHeader + udpLength);
    view.setUint8(ip + 8, 255);
    view.setUint8(ip + 9, udp);
    frame.set(address, ip + 12);
    frame.set(address, ip + 16);
    view.setUint16(ip + 10, checksum(frame, ip, ip + ipHeader, 0));
  } else {
    view.setUint32(ip, (6 << 28) | (trafficClass << 20));
    view.setUint16(ip + 4, udpLength);
    view.setUint8(ip + 6, udp);
    view.setUint8(ip + 7, 255);
    frame.set(address, ip + 8);
    frame.set(address, ip + 24);
  }
  const at = ip + ipHeader;
  view.setUint16(at, echoPort);
  view.setUint16(at + 2, echoPort);
  view.setUint16(at + 4, udpLength);
  view.setUint32(at + 8, echo.discriminator);
  view.setUint32(at + 12, echo.sequence);
  view.setUint32(at + 16, echo.secret);
  // The pseudo-header (RFC 768, RFC 8200 §8.1): both addresses, protocol and length.
  const pseudoHeader = 2 * sumOf(address, 0, address.length) + udp + udpLength;
  view.setUint16(at + 6, checksum(frame, at, frame.length, pseudoHeader) || 0xffff);
  return frame;
}

export interface ReturnedEcho {
  readonly discriminator: number;
  readonly sequence: number;
}

/** Undefined for what is none of ours that a neighbour has sent back: it has passed one router, no more. */
export function readEchoFrame(frame: Uint8Array, secret: number): ReturnedEcho | undefined {
  if (frame.length < ethernetHeader + 20 + udpHeader + payloadLength) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const isIpv4 = view.getUint16(12) === etherTypeIpv4;
  const ip = ethernetHeader;
  const ipHeader = isIpv4 ? 20 : 40;
  const at = ip + ipHeader;
  if (frame.length < at + udpHeader + payloadLength) return undefined;
  if (view.getUint8(ip + (isIpv4 ? 9 : 6)) !== udp || (isIpv4 && view.getUint8(ip) !== 0x45))
    return undefined;
  const hops = view.getUint8(ip + (isIpv4 ? 8 : 7));
  if (hops < 254 || view.getUint16(at + 2) !== echoPort || view.getUint32(at + 16) !== secret)
    return undefined;
  return { discriminator: view.getUint32(at + 8), sequence: view.getUint32(at + 12) };
}

function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return sum;
}

/** The Internet checksum (RFC 1071) of bytes and of what is summed already. */
function checksum(bytes: Uint8Array, from: number, to: number, before: number): number {
  let sum = before + sumOf(bytes, from, to);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}
