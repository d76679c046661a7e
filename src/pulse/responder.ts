// The port to whatever answers ARP and neighbour solicitations: packet sockets today, a BPF program one day.
import type { AskerRecord } from '../announce/layer2/askers.ts';
import type { FrameError } from '../announce/layer2/ethernet.ts';
import type { Address } from '../model/address.ts';

export interface ResponderInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
}

/** Lets the responder answer until its lease's deadline, which moves; without a lease it is silent. */
export interface Grant {
  /** `deadline`: milliseconds of the responder's clock. */
  readonly lease: { readonly deadline: number } | undefined;
}

export const isGranted = ({ lease }: Grant, now: number): boolean =>
  lease !== undefined && now < lease.deadline;

export interface ResponderCounters {
  requestsReceived: number;
  responsesSent: number;
  gratuitousSent: number;
}

export interface Responder extends Disposable {
  /**
   * The interfaces to answer on from now; one that changed its index or MAC is opened anew, one that cannot be opened is
   * tried again at the next call. Addresses stay owned. Returns the names of those opened by this call.
   */
  setInterfaces(interfaces: readonly ResponderInterface[]): string[];
  isOpen(interfaceName: string): boolean;
  /**
   * Answers for the address on these interfaces and no others, until released, and as long as the grant allows, which it
   * looks at before each answer; none of the interfaces need exist yet. With a share, only to neighbours that belong to
   * it (model/share.ts).
   */
  own(address: Address, interfaces: readonly string[], grant: Grant, share?: number): void;
  release(address: Address, share?: number): void;
  /** The interfaces on which the address, or that share of it, is really answered for now. */
  answering(address: Address, share?: number): string[];
  /**
   * Tells the neighbours unasked: ARP as request and reply, or an unsolicited advertisement, to all; and to those that
   * have asked before, each by itself. Of a share, only the latter: the others keep to their own nodes.
   */
  announce(address: Address, share?: number): void;
  /**
   * Whether to remember who asks for shares of the address, on all interfaces, though none may be owned here: a share is
   * announced to its askers alone, and its solicitations go to those that have joined their group.
   */
  overhear(address: Address, isWanted: boolean): void;
  /** Who is on record as having asked for shares: for another responder of this node. */
  askers(): AskerRecord[];
  inherit(records: readonly AskerRecord[]): void;
  /** By address in canonical form, of all addresses owned since the start. */
  readonly counters: ReadonlyMap<string, ResponderCounters>;
}

export interface ResponderEvents {
  /** Somebody else claims one of our addresses. */
  conflict(address: string, interfaceName: string, mac: Uint8Array): void;
  /** An interface could not be opened, listened on or written to. */
  failed(interfaceName: string, error: Error): void;
  /** A frame that is no valid ARP or neighbour solicitation was ignored. */
  malformed(cause: FrameError['error']): void;
}
