// Membership in one interface's solicited-node groups as the network sees it: MLD reports (RFC 2710), for switches that
// forward to members only.
import { createSocket, type Socket } from 'node:dgram';

export interface MulticastGroups extends Disposable {
  /** Joins the group, on an interface that is there. False where the host cannot: IPv6 is off, say. */
  join(group: string): boolean;
  leave(group: string): void;
}

/**
 * Each interface has sockets of its own: its memberships go with them, whatever has become of it. One that is left by
 * the name of an interface that has gone would be left on another.
 */
export function createMulticastGroups(interfaceName: string): MulticastGroups {
  const where = `::%${interfaceName}`;
  const sockets: Socket[] = [];
  const members = new Map<string, Socket>();

  /** A socket can hold some hundred memberships (net.core.optmem_max): more are made as they fill up. */
  const socketWithRoom = (isLastFull: boolean): Socket => {
    const last = sockets.at(-1);
    if (last !== undefined && !isLastFull) return last;
    const socket = createSocket({ type: 'udp6', ipv6Only: true });
    socket.unref();
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  };

  const tryJoin = (socket: Socket, group: string): 'joined' | 'full' | 'impossible' => {
    try {
      socket.addMembership(group, where);
      members.set(group, socket);
      return 'joined';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ENOBUFS' || code === 'ENOMEM' ? 'full' : 'impossible';
    }
  };

  return {
    join(group) {
      if (members.has(group)) return true;
      const first = tryJoin(socketWithRoom(false), group);
      return first === 'joined' || (first === 'full' && tryJoin(socketWithRoom(true), group) === 'joined');
    },
    leave(group) {
      const socket = members.get(group);
      if (socket === undefined) return;
      members.delete(group);
      try {
        socket.dropMembership(group, where);
      } catch (error) {
        // The interface went, and its memberships with it.
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code !== 'EADDRNOTAVAIL' && code !== 'ENODEV' && code !== 'EINVAL' && code !== 'ENXIO')
          throw error;
      }
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.close();
    },
  };
}
