// Membership in solicited-node groups as the network sees it: MLD reports, for switches that forward to members only.
import { createSocket, type Socket } from 'node:dgram';

export interface MulticastGroups extends Disposable {
  /** Joins the group on the interface. False where the host cannot (IPv6 is off there). */
  join(group: string, interfaceName: string): boolean;
  leave(group: string, interfaceName: string): void;
}

/** A socket can hold some hundred memberships (net.core.optmem_max): more sockets are made as they fill up. */
export function createMulticastGroups(): MulticastGroups {
  const sockets: Socket[] = [];
  const holders = new Map<string, { readonly socket: Socket; references: number }>();

  const tryJoin = (
    socket: Socket,
    group: string,
    interfaceName: string,
  ): 'joined' | 'full' | 'impossible' => {
    try {
      socket.addMembership(group, `::%${interfaceName}`);
      return 'joined';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ENOBUFS' || code === 'ENOMEM' ? 'full' : 'impossible';
    }
  };

  return {
    join(group, interfaceName) {
      const key = `${group}%${interfaceName}`;
      const holder = holders.get(key);
      if (holder !== undefined) {
        holder.references++;
        return true;
      }
      for (let attempt = 0; attempt < 2; attempt++) {
        let socket = sockets.at(-1);
        if (socket === undefined || attempt > 0) {
          socket = createSocket({ type: 'udp6', ipv6Only: true });
          socket.unref();
          socket.on('error', () => {});
          sockets.push(socket);
        }
        const result = tryJoin(socket, group, interfaceName);
        if (result === 'joined') {
          holders.set(key, { socket, references: 1 });
          return true;
        }
        if (result === 'impossible') return false;
      }
      return false;
    },
    leave(group, interfaceName) {
      const key = `${group}%${interfaceName}`;
      const holder = holders.get(key);
      if (holder === undefined || --holder.references > 0) return;
      holders.delete(key);
      try {
        holder.socket.dropMembership(group, `::%${interfaceName}`);
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
