// Neighbour solicitations for tests: what a neighbour sends, written independently of the reader.
import { type Address, addressToBytes } from '../../model/address.ts';

export interface SolicitationSample {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  readonly source: Address;
  readonly destination: Address;
  readonly target: Address;
  /** With the source link-layer address option. */
  readonly withOption: boolean;
}

/** A valid frame, checksum included (RFC 4861 §4.3). */
export function solicitationFrame(sample: SolicitationSample): Uint8Array {
  const option = sample.withOption ? [1, 1, ...sample.sourceMac] : [];
  const icmp = [135, 0, 0, 0, 0, 0, 0, 0, ...addressToBytes(sample.target), ...option];
  const addresses = [...addressToBytes(sample.source), ...addressToBytes(sample.destination)];
  const words = [...addresses, 0, 0, 0, icmp.length, 0, 0, 0, 58, ...icmp];
  let sum = 0;
  for (let at = 0; at < words.length; at += 2) sum += ((words[at] ?? 0) << 8) | (words[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  [icmp[2], icmp[3]] = [(~sum >> 8) & 0xff, ~sum & 0xff];
  return Uint8Array.from([
    ...sample.destinationMac,
    ...sample.sourceMac,
    ...[0x86, 0xdd, 0x60, 0, 0, 0, 0, icmp.length, 58, 255],
    ...addresses,
    ...icmp,
  ]);
}
