// How the packets of a BGP session go: between which addresses, by which interface, over how many hops, signed or not.
import type { Address } from '../../model/address.ts';

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
