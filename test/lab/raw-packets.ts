// Hand-made IP packets, for protocols that have no sockets here and for packets that no socket would send.
import type { Host } from '../../lab/host.ts';
import { listLinks } from '../../src/linux/links.ts';
import { openPacketSocket } from '../../src/linux/packet-socket.ts';
import { addressFromBytes, addressToBytes, formatAddress, parseAddress } from '../../src/model/address.ts';

export interface IpPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

const bytesOf = (address: string): Uint8Array => {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  return addressToBytes(parsed);
};

export function encodeIp({ source, destination, protocol, payload }: IpPacket): Uint8Array {
  const [from, to] = [bytesOf(source), bytesOf(destination)];
  if (from.length === 16) {
    const header = Buffer.alloc(40);
    header[0] = 0x60;
    header.writeUInt16BE(payload.length, 4);
    header[6] = protocol;
    // Neighbour discovery is believed only from a neighbour: with the whole hop limit (RFC 4861 §6.1).
    header[7] = 255;
    header.set(from, 8);
    header.set(to, 24);
    return Buffer.concat([header, payload]);
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.set(from, 12);
  header.set(to, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

export function decodeIp(packet: Uint8Array): IpPacket | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version !== 4 && version !== 6) return undefined;
  const [start, length, protocol, headerLength] =
    version === 4 ? [12, 4, 9, ((packet[0] ?? 0) & 15) * 4] : [8, 16, 6, 40];
  if (packet.length < headerLength) return undefined;
  const address = (from: number): string =>
    formatAddress(addressFromBytes(packet.slice(from, from + length)));
  return {
    source: address(start),
    destination: address(start + length),
    protocol: packet[protocol] ?? 0,
    payload: packet.slice(headerLength),
  };
}

/** The Internet checksum (RFC 1071). */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** The packet with its checksum over the pseudo-header written at `offset` of its payload (TCP: 16, ICMPv6: 2). */
export function withChecksum(packet: IpPacket, offset: number): IpPacket {
  const { source, destination, protocol } = packet;
  const payload = Buffer.from(packet.payload);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(payload.length, 0);
  pseudo[7] = protocol;
  payload.writeUInt16BE(
    checksum(Buffer.concat([bytesOf(source), bytesOf(destination), pseudo, payload])),
    offset,
  );
  return { ...packet, payload };
}

/** An SCTP packet of one chunk (RFC 9260 §3). */
export function sctp(
  sourcePort: number,
  destinationPort: number,
  tag: number,
  chunk: Uint8Array,
): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(tag, 4);
  const packet = Buffer.concat([header, chunk]);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

export const hasSctpChecksum = (packet: Uint8Array): boolean => {
  const copy = Buffer.from(packet);
  const sent = copy.readUInt32LE(8);
  copy.writeUInt32LE(0, 8);
  return crc32c(copy) === sent;
};

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}

export interface RawLink extends Disposable {
  /** Sends by the interface to the other end's MAC. */
  send(packet: IpPacket): void;
  /** What came in by the interface so far. */
  readonly received: readonly IpPacket[];
}

/** Opens an interface of a host; what is sent goes to `gateway`'s interface on the same link. */
export function openRawLink(
  host: Host,
  interfaceName: string,
  gateway: { readonly host: Host; readonly interfaceName: string },
): RawLink {
  const linkOf = (where: Host, name: string) => {
    const link = where.inside(() => listLinks().find((one) => one.name === name));
    if (link === undefined) throw new Error(`${where.name} has no ${name}`);
    return link;
  };
  const own = linkOf(host, interfaceName);
  const next = linkOf(gateway.host, gateway.interfaceName);
  const received: IpPacket[] = [];
  const socket = host.inside(() =>
    openPacketSocket({
      interfaceIndex: own.index,
      protocol: 3,
      onFrame(frame) {
        const packet = decodeIp(frame.subarray(14));
        if (packet !== undefined) received.push(packet);
      },
    }),
  );
  return {
    received,
    send(packet) {
      const bytes = encodeIp(packet);
      const etherType = packet.source.includes(':') ? [0x86, 0xdd] : [0x08, 0x00];
      socket.send(Buffer.concat([next.mac, own.mac, Buffer.from(etherType), bytes]));
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
