// The addresses of this node that a peer may send packets to: that of the session, and one of the other family beside it.
import { type Address, type Family, isLinkLocal, parseAddress, sameAddress } from '../../model/address.ts';

/** By name; the addresses as `networkInterfaces` of Node has them. */
export type Interfaces = Readonly<
  Record<string, readonly { readonly address: string; readonly cidr: string | null }[] | undefined>
>;

/**
 * `local` is where the session ends. Of the other family it is the first address of the same interface that is neither
 * link-local nor of this host alone; none where that has none.
 */
export function nextHops(interfaces: Interfaces, local: Address, family: Family): Address[] {
  if (local.family === family) return [local];
  for (const entries of Object.values(interfaces)) {
    const addresses = (entries ?? []).flatMap((entry) => parseAddress(entry.address) ?? []);
    if (!addresses.some((address) => sameAddress(address, local))) continue;
    const other = addresses.find((address) => address.family === family && !isLinkLocal(address));
    if (other !== undefined) return [other];
  }
  return [];
}

/** Whether the address is on a network that an interface has an address of. */
export function isOnLink(interfaces: Interfaces, address: Address): boolean {
  for (const entries of Object.values(interfaces))
    for (const { cidr } of entries ?? []) {
      const [text = '', length = ''] = (cidr ?? '').split('/');
      const own = parseAddress(text);
      if (own?.family !== address.family) continue;
      const hostBits = BigInt((address.family === 'IPv4' ? 32 : 128) - Number(length));
      if (own.value >> hostBits === address.value >> hostBits) return true;
    }
  return isLinkLocal(address);
}
