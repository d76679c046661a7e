// How the packets of a BGP session go: between which addresses, by which interface, over how many hops, signed or not.
import { type Address, formatAddress, isLinkLocal } from '../../model/address.ts';

export interface PeerPath {
  readonly peer: Address;
  readonly peerPort: number;
  /** Undefined: the kernel chooses. */
  readonly local: Address | undefined;
  /** An interface, or the device of a VRF; undefined: by the routing table. */
  readonly device: string | undefined;
  readonly ttl: number;
  /** Packets with less are dropped (RFC 5082); undefined: none are. */
  readonly minimumTtl: number | undefined;
  /** Of TCP's MD5 signatures. */
  readonly password: string | undefined;
}

/** `192.0.2.1`, or `fe80::1%eth1`, as an address of one link needs it. */
export const formatPeer = ({ peer, device }: PeerPath): string =>
  formatAddress(peer) + (isLinkLocal(peer) && device !== undefined ? `%${device}` : '');
