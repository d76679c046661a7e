// Ethernet addresses and header fields that ARP and NDP share.

export const broadcastMac = Uint8Array.of(255, 255, 255, 255, 255, 255);
export const zeroMac = new Uint8Array(6);

export const etherTypeArp = 0x0806;
export const etherTypeIpv6 = 0x86dd;

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** `02:00:5e:10:00:01`. */
export const formatMac = (mac: Uint8Array): string =>
  [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** Why a frame could not be read: a counter's label. */
export type FrameError = {
  readonly error: 'too-short' | 'not-arp' | 'not-neighbour-discovery' | 'bad-field' | 'bad-checksum';
};

export const frameError = (error: FrameError['error']): FrameError => ({ error });

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
