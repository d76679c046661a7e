// What a node has found out about free addresses: which of them others use, and which nobody does.
import type { Address } from './address.ts';

export interface AddressProbe {
  readonly node: string;
  /** The pools that the node probes addresses of: it is on their link. */
  readonly pools: readonly string[];
  readonly inUse: readonly Stranger[];
  /** Nobody answered for these lately; only of pools that wait for it. */
  readonly clear: readonly Address[];
}

/** Who uses an address of a pool without being Gantry. */
export interface Stranger {
  readonly address: Address;
  /** `02:00:00:00:00:01` */
  readonly mac: string;
  /** The node's interface on which it answered. */
  readonly interface: string;
  /** RFC 3339: when it was first heard. */
  readonly since: string;
}
