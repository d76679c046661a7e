// The sockets that heartbeats travel by: one of each family, on the heartbeat port.
import { createSocket, type Socket } from 'node:dgram';
import { type Address, type Family, formatAddress } from '../../model/address.ts';

/** Beside MetalLB's memberlist, which has 7946, so that both can run during a migration. */
export const defaultHeartbeatPort = 7947;

export interface HeartbeatSession extends Disposable {
  /** Sends one datagram. What cannot be sent is counted, not thrown: the receiver's silence will tell. */
  send(message: Uint8Array, to: Address): void;
  readonly sendErrors: number;
}

/**
 * Opens both sockets; a host without one family goes without. Rejects, with what to do, when the port is taken. With
 * `address` it listens and sends there alone.
 */
export async function openHeartbeatSession(
  port: number,
  onMessage: (message: Uint8Array, from: string) => void,
  address?: Address,
): Promise<HeartbeatSession> {
  const sockets = new Map<Family, Socket>();
  for (const family of ['IPv4', 'IPv6'] as const) {
    if (address !== undefined && address.family !== family) continue;
    const socket = await bound(family, port, address, onMessage);
    if (socket !== undefined) sockets.set(family, socket);
  }
  let sendErrors = 0;
  const texts = new WeakMap<Address, string>();
  const textOf = (to: Address): string => {
    const text = texts.get(to) ?? formatAddress(to);
    texts.set(to, text);
    return text;
  };
  return {
    send(message, to) {
      sockets.get(to.family)?.send(message, port, textOf(to), (error) => {
        if (error !== null) sendErrors++;
      });
    },
    get sendErrors() {
      return sendErrors;
    },
    [Symbol.dispose]() {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

/** The heartbeats of a hundred members for a second; the kernel gives what `net.core.rmem_max` allows. */
const receiveBufferBytes = 1 << 20;

function bound(
  family: Family,
  port: number,
  address: Address | undefined,
  onMessage: (message: Uint8Array, from: string) => void,
): Promise<Socket | undefined> {
  const options = { recvBufferSize: receiveBufferBytes };
  const socket =
    family === 'IPv4'
      ? createSocket({ ...options, type: 'udp4' })
      : createSocket({ ...options, type: 'udp6', ipv6Only: true });
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL') resolve(undefined);
      else if (error.code === 'EADDRINUSE') {
        const rule = 'another program has it: end that, or choose another --heartbeat-port on all nodes';
        reject(new Error(`UDP port ${port} is for the heartbeats, but ${rule}`, { cause: error }));
      } else reject(error);
    });
    socket.bind(port, address && formatAddress(address), () => {
      socket.removeAllListeners('error');
      // An ICMP error of an unreachable peer: its silence is heard anyway.
      socket.on('error', () => {});
      socket.on('message', (message, { address }) => onMessage(message, address));
      resolve(socket);
    });
  });
}
