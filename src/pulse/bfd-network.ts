// BFD's way to the network: who listens on which port, and the socket of a session (RFC 5881 §4, RFC 5883 §5).
import type { SessionPath } from '../announce/bfd/table.ts';
import {
  type DatagramOrigin,
  openUdpReceiver,
  openUdpSender,
  type UdpReceiver,
  type UdpSender,
} from '../linux/udp-socket.ts';
import type { Family } from '../model/address.ts';

export interface BfdNetwork {
  /** Throws SystemError: EADDRINUSE where another BFD has the port. */
  listen(
    family: Family,
    isMultihop: boolean,
    onDatagram: (bytes: Uint8Array, origin: DatagramOrigin) => void,
  ): UdpReceiver;
  /** `interfaceIndex`: of the path's interface. Throws SystemError. */
  openSender(path: SessionPath, localPort: number, interfaceIndex: number | undefined): UdpSender;
}

const singleHopPort = 3784;
const multihopPort = 4784;

/** One of these for each session (RFC 5881 §4). */
export const firstSourcePort = 49_152;
export const lastSourcePort = 65_535;

/** Internet control (CS6): what routers spare when they drop. */
const internetControl = 0xc0;

/** In the calling thread's network namespace. */
export const kernelBfdNetwork: BfdNetwork = {
  listen: (family, isMultihop, onDatagram) =>
    openUdpReceiver({
      family,
      port: isMultihop ? multihopPort : singleHopPort,
      onlyNeighbours: !isMultihop,
      onDatagram,
    }),
  openSender({ peer, local, interfaceName, isMultihop }, localPort, interfaceIndex) {
    const isBound = interfaceName !== undefined && interfaceIndex !== undefined;
    return openUdpSender({
      local,
      localPort,
      peer,
      peerPort: isMultihop ? multihopPort : singleHopPort,
      device: isBound ? { name: interfaceName, index: interfaceIndex } : undefined,
      ttl: 255,
      trafficClass: internetControl,
    });
  },
};
