// Router advertisements (RFC 4861 §4.2) as Ethernet frames, as far as neighbours learn of each other's link-local address by
// them. Reading is total.
import { type Address, addressFromBytes, addressToBytes, isLinkLocal } from '../../model/address.ts';
import { etherTypeIpv6, type FrameError, frameError, viewOf } from './ethernet.ts';
import { allNodes, checksum, headers, icmpv6, multicastMac, writeHeaders } from './icmpv6.ts';

const advertisementType = 134;
const fixedLength = 16;

/** "I am here", to all nodes of the link; the lifetime of 0 says that nobody is to make it his default router (§6.2.5). */
export function routerAdvertisement(source: Address, mac: Uint8Array): Uint8Array {
  const payloadLength = fixedLength + 8;
  const frame = new Uint8Array(headers + payloadLength);
  const view = viewOf(frame);
  writeHeaders(frame, view, multicastMac(allNodes), mac, payloadLength);
  frame.set(addressToBytes(source), 22);
  frame.set(addressToBytes(allNodes), 38);
  view.setUint8(headers, advertisementType);
  // The source link-layer address option (§4.6.1).
  frame.set([1, 1], headers + fixedLength);
  frame.set(mac, headers + fixedLength + 2);
  view.setUint16(headers + 2, checksum(frame, payloadLength));
  return frame;
}

/** The link-local address of the router that says it is there. The rules are those of RFC 4861 §6.1.2. */
export function readRouterAdvertisement(frame: Uint8Array): { readonly source: Address } | FrameError {
  if (frame.length < headers + fixedLength) return frameError('too-short');
  const view = viewOf(frame);
  const isAdvertisement =
    view.getUint16(12) === etherTypeIpv6 &&
    view.getUint8(20) === icmpv6 &&
    view.getUint8(headers) === advertisementType;
  if (!isAdvertisement) return frameError('not-neighbour-discovery');
  const payloadLength = view.getUint16(18);
  if (payloadLength < fixedLength || frame.length < headers + payloadLength) return frameError('too-short');
  // A hop limit of 255 proves that no router has forwarded it.
  if (view.getUint8(14) >> 4 !== 6 || view.getUint8(21) !== 255 || view.getUint8(headers + 1) !== 0)
    return frameError('bad-field');
  if (checksum(frame, payloadLength) !== 0) return frameError('bad-checksum');
  const end = headers + payloadLength;
  for (let at = headers + fixedLength; at < end; ) {
    const optionLength = at + 2 <= end ? view.getUint8(at + 1) * 8 : 0;
    if (optionLength === 0 || at + optionLength > end) return frameError('bad-field');
    at += optionLength;
  }
  const source = addressFromBytes(frame.subarray(22, 38));
  return isLinkLocal(source) ? { source } : frameError('bad-field');
}
