// The forwarding table: what one node does with the first packet of a connection to each frontend, as plain data.
import { type Address, type Cidr, formatAddress } from '../model/address.ts';
import type { Protocol, ServiceKey, TrafficPolicy } from '../model/service.ts';

/** A Service's port on one of its addresses. Node ports and cluster addresses can join as further frontends. */
export interface Frontend {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly service: ServiceKey;
  /** The Service port's name, empty for a Service's only port. */
  readonly portName: string;
  /** Cluster: connections are masqueraded. Local: backends see the client's address. */
  readonly policy: TrafficPolicy;
  /** Where traffic from outside goes, each backend with the same chance. */
  readonly outside: readonly Backend[];
  /**
   * Where the traffic of this node and of its pods goes: the same list under Cluster, all nodes' backends under
   * Local. Empty: nobody serves, and everyone is rejected. Only `outside` empty: traffic from outside is dropped.
   */
  readonly inside: readonly Backend[];
  /** No longer chosen, but still serving what they have: their flows are left alone. */
  readonly draining: readonly Backend[];
  /** Clients outside of these are dropped; undefined: everyone may connect; empty: nobody of this family. */
  readonly sourceRanges: readonly Cidr[] | undefined;
  readonly affinity: Affinity | undefined;
}

export interface Backend {
  readonly address: Address;
  readonly port: number;
  /** On this node. */
  readonly local: boolean;
}

/** A client's connections within one scope go to one backend until none was new for so long. */
export interface Affinity {
  /**
   * Shared by a Service port's addresses of one family, under one policy: what Cluster remembers of a client may be a
   * backend that Local does not lead it to.
   */
  readonly scope: string;
  readonly timeoutSeconds: number;
}

/** What of the node itself decides about packets. */
export interface NodeView {
  /** Its own addresses: packets to these are delivered here, not forwarded. */
  readonly addresses: readonly Address[];
  /** Traffic from these is that of this node's pods. */
  readonly podCidrs: readonly Cidr[];
}

export interface ForwardingTable {
  readonly node: NodeView;
  readonly frontends: ReadonlyMap<FrontendKey, Frontend>;
}

/** `ADDRESS PROTOCOL PORT`; no two frontends of a table have the same. */
export type FrontendKey = string;

export const frontendKey = (frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>): FrontendKey =>
  `${formatAddress(frontend.address)} ${frontend.protocol} ${frontend.port}`;

/** Backends by family, number and port, so that equal sets are equal lists. */
export function compareBackends(a: Backend, b: Backend): number {
  const byAddress = a.address.value < b.address.value ? -1 : a.address.value > b.address.value ? 1 : 0;
  return byAddress || a.port - b.port;
}
