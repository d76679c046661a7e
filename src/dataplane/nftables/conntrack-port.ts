// What the data plane needs of connection tracking: the UDP flows of a frontend, and to end some of them.
import type { Family } from '../../model/address.ts';
import type { ByteString } from './elements.ts';

export interface ConntrackPort extends Disposable {
  /**
   * UDP flows, part by part: those first sent to one address and port (as in `endpointBytes`), or all of the family.
   * There may be more than asked for.
   */
  udpFlows(family: Family, destination: ByteString | undefined): Iterable<readonly UdpFlow[]>;
  /** Ends flows; returns how many were still there. */
  delete(flows: readonly UdpFlow[]): number;
}

export interface UdpFlow {
  /** Where the client sends to: address and port as in `endpointBytes`. */
  readonly destination: ByteString;
  /** Who answers: the endpoint, or the destination itself where nothing was translated. */
  readonly endpoint: ByteString;
}
