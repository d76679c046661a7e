// Addresses and ports as the kernel has them (struct sockaddr_in and sockaddr_in6).
import { type Address, addressToBytes, isLinkLocal } from '../model/address.ts';
import { AF_INET, AF_INET6 } from './libc.ts';

/** `scope`: the interface's index, for an IPv6 link-local address. */
export function socketAddress(address: Address, port: number, scope = 0): Uint8Array {
  const isIpv4 = address.family === 'IPv4';
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(addressToBytes(address), isIpv4 ? 4 : 8);
  if (!isIpv4) view.setUint32(24, isLinkLocal(address) ? scope : 0, true);
  return bytes;
}
