// Neighbour solicitations and advertisements (RFC 4861 §4.3, §4.4) as Ethernet frames: to data and back. Reading is total.
import { type Address, addressFromBytes, addressToBytes } from '../../model/address.ts';
import type { Asker } from './askers.ts';
import { etherTypeIpv6, type FrameError, frameError, viewOf } from './ethernet.ts';
import { allNodes, checksum, headers, icmpv6, isMulticast, multicastMac, writeHeaders } from './icmpv6.ts';

export interface NeighbourSolicitation {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  /** Unspecified (::) while the asker checks its own address (RFC 4862 §5.4). */
  readonly source: Address;
  readonly target: Address;
  /** The source link-layer address option; absent in probes and in some unicast solicitations. */
  readonly sourceLinkLayer: Uint8Array | undefined;
}

export interface NeighbourAdvertisement {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  readonly source: Address;
  readonly destination: Address;
  readonly target: Address;
  readonly solicited: boolean;
  readonly override: boolean;
}

const solicitationType = 135;
const advertisementType = 136;

export const unspecified: Address = { family: 'IPv6', value: 0n };

/** ff02::1:ffXX:XXXX, with the address's last 24 bits (RFC 4291 §2.7.1). */
export const solicitedNodeGroup = (address: Address): Address => ({
  family: 'IPv6',
  value: (0xff02n << 112n) | 0x1_ff00_0000n | (address.value & 0xff_ffffn),
});

/** Reads a solicitation; its bytes are copied. The rules are those of RFC 4861 §7.1.1. */
export function readSolicitation(frame: Uint8Array): NeighbourSolicitation | FrameError {
  if (frame.length < headers + 24) return frameError('too-short');
  const view = viewOf(frame);
  const isSolicitation =
    view.getUint16(12) === etherTypeIpv6 &&
    view.getUint8(20) === icmpv6 &&
    view.getUint8(headers) === solicitationType;
  if (!isSolicitation) return frameError('not-neighbour-discovery');
  const payloadLength = view.getUint16(18);
  if (payloadLength < 24 || frame.length < headers + payloadLength) return frameError('too-short');
  // A hop limit of 255 proves that no router has forwarded it.
  if (view.getUint8(14) >> 4 !== 6 || view.getUint8(21) !== 255 || view.getUint8(headers + 1) !== 0) {
    return frameError('bad-field');
  }
  if (checksum(frame, payloadLength) !== 0) return frameError('bad-checksum');
  const source = addressFromBytes(frame.subarray(22, 38));
  const target = addressFromBytes(frame.subarray(headers + 8, headers + 24));
  if (isMulticast(target) || isMulticast(source)) return frameError('bad-field');
  let sourceLinkLayer: Uint8Array | undefined;
  const end = headers + payloadLength;
  for (let at = headers + 24; at < end; ) {
    const optionLength = at + 2 <= end ? view.getUint8(at + 1) * 8 : 0;
    if (optionLength === 0 || at + optionLength > end) return frameError('bad-field');
    if (view.getUint8(at) === 1 && optionLength === 8) sourceLinkLayer = frame.slice(at + 2, at + 8);
    at += optionLength;
  }
  if (source.value === 0n) {
    const destination = addressFromBytes(frame.subarray(38, 54));
    const toGroup = destination.value === solicitedNodeGroup(target).value;
    if (!toGroup || sourceLinkLayer !== undefined) return frameError('bad-field');
  }
  return {
    sourceMac: frame.slice(6, 12),
    destinationMac: frame.slice(0, 6),
    source,
    target,
    sourceLinkLayer,
  };
}

/** Writes an advertisement with the target link-layer address option; the sender's MAC is the target's. */
export function writeAdvertisement(message: NeighbourAdvertisement): Uint8Array {
  const payloadLength = 32;
  const frame = new Uint8Array(headers + payloadLength);
  const view = viewOf(frame);
  writeHeaders(frame, view, message.destinationMac, message.sourceMac, payloadLength);
  frame.set(addressToBytes(message.source), 22);
  frame.set(addressToBytes(message.destination), 38);
  view.setUint8(headers, advertisementType);
  view.setUint8(headers + 4, (message.solicited ? 0x40 : 0) | (message.override ? 0x20 : 0));
  frame.set(addressToBytes(message.target), headers + 8);
  frame.set([2, 1], headers + 24);
  frame.set(message.sourceMac, headers + 26);
  view.setUint16(headers + 2, checksum(frame, payloadLength));
  return frame;
}

/** "Does anybody have the address?", as one asks who is about to take it himself (RFC 4862 §5.4.2). */
export function duplicateDetection(target: Address, mac: Uint8Array): Uint8Array {
  const payloadLength = 24;
  const frame = new Uint8Array(headers + payloadLength);
  const view = viewOf(frame);
  const group = solicitedNodeGroup(target);
  writeHeaders(frame, view, multicastMac(group), mac, payloadLength);
  frame.set(addressToBytes(group), 38);
  view.setUint8(headers, solicitationType);
  frame.set(addressToBytes(target), headers + 8);
  view.setUint16(headers + 2, checksum(frame, payloadLength));
  return frame;
}

/** Who says that the target is his: the Ethernet source, copied. The rules are those of RFC 4861 §7.1.2. */
export function readAdvertisement(
  frame: Uint8Array,
): { readonly target: Address; readonly sourceMac: Uint8Array } | FrameError {
  if (frame.length < headers + 24) return frameError('too-short');
  const view = viewOf(frame);
  const isAdvertisement =
    view.getUint16(12) === etherTypeIpv6 &&
    view.getUint8(20) === icmpv6 &&
    view.getUint8(headers) === advertisementType;
  if (!isAdvertisement) return frameError('not-neighbour-discovery');
  const payloadLength = view.getUint16(18);
  if (payloadLength < 24 || frame.length < headers + payloadLength) return frameError('too-short');
  if (view.getUint8(14) >> 4 !== 6 || view.getUint8(21) !== 255 || view.getUint8(headers + 1) !== 0)
    return frameError('bad-field');
  if (checksum(frame, payloadLength) !== 0) return frameError('bad-checksum');
  const target = addressFromBytes(frame.subarray(headers + 8, headers + 24));
  return isMulticast(target) ? frameError('bad-field') : { target, sourceMac: frame.slice(6, 12) };
}

/** "The address is at this MAC", to all nodes of the link (RFC 4861 §7.2.6). */
export const unsolicitedAdvertisement = (address: Address, mac: Uint8Array): Uint8Array =>
  writeAdvertisement({
    sourceMac: mac,
    destinationMac: multicastMac(allNodes),
    source: address,
    destination: allNodes,
    target: address,
    solicited: false,
    override: true,
  });

/** The same to one that has asked before; unsolicited all the same, since it did not ask just now. */
export const unicastAdvertisement = (address: Address, mac: Uint8Array, asker: Asker): Uint8Array =>
  writeAdvertisement({
    sourceMac: mac,
    destinationMac: asker.mac,
    source: address,
    destination: asker.address,
    target: address,
    solicited: false,
    override: true,
  });
