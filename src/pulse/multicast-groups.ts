// Membership in one interface's solicited-node groups: MLD reports (RFC 2710) for switches that forward to members only,
// and the network card's filter. It follows in the background what is wanted.
import { createSocket, type Socket } from 'node:dgram';
import { multicastMac } from '../announce/layer2/icmpv6.ts';
import { SystemError } from '../linux/errno.ts';
import type { PacketSocket } from '../linux/packet-socket.ts';
import { type Address, formatAddress } from '../model/address.ts';

export interface MulticastGroups extends Disposable {
  /** Joined at once, or, where many are wanted at a time, within the event loop's next turns. Joins are counted. */
  join(group: Address): void;
  leave(group: Address): void;
}

/** Of each turn of the event loop: the kernel takes 20–40 µs for each of thousands, and heartbeats must not wait. */
const budgetMilliseconds = 5;

/**
 * Each interface has sockets of its own: its memberships go with them, whatever has become of it. One that is left by
 * the name of an interface that has gone would be left on another. Where IPv6 is off, `packets` gets the frames of the
 * group without the network being told.
 */
export function createMulticastGroups(
  interfaceName: string,
  packets: Pick<PacketSocket, 'addMulticast' | 'removeMulticast'>,
): MulticastGroups {
  const where = `::%${interfaceName}`;
  const sockets: Socket[] = [];
  /** How many want each group. */
  const wanted = new Map<string, number>();
  const joined = new Map<string, Disposable>();
  /** Wanted but not joined, or joined but not wanted. */
  const pending = new Map<string, Address>();
  let budget = budgetMilliseconds;
  let next: NodeJS.Immediate | undefined;

  /** A socket can hold some hundred memberships (net.core.optmem_max): more are made as they fill up. */
  const joinByMld = (group: string): Disposable | undefined => {
    for (const socket of [sockets.at(-1), undefined]) {
      const chosen = socket ?? openSocket();
      if (socket === undefined) sockets.push(chosen);
      try {
        chosen.addMembership(group, where);
        return { [Symbol.dispose]: () => leaveByMld(chosen, group) };
      } catch (error) {
        if (!isFull(error)) return undefined;
      }
    }
    return undefined;
  };

  const leaveByMld = (socket: Socket, group: string): void => {
    try {
      socket.dropMembership(group, where);
    } catch (error) {
      // The interface went, and its memberships with it.
      if (!hasCode(error, 'EADDRNOTAVAIL', 'ENODEV', 'EINVAL', 'ENXIO')) throw error;
    }
  };

  const joinByPackets = (group: Address): Disposable | undefined => {
    const mac = multicastMac(group);
    try {
      packets.addMulticast(mac);
    } catch (error) {
      // The interface has gone; that is told soon.
      if (error instanceof SystemError) return undefined;
      throw error;
    }
    return {
      [Symbol.dispose]() {
        try {
          packets.removeMulticast(mac);
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
        }
      },
    };
  };

  const follow = (): void => {
    const start = performance.now();
    let spent = 0;
    for (const [text, group] of pending) {
      pending.delete(text);
      const membership = joined.get(text);
      if (wanted.has(text)) {
        const made = joinByMld(text) ?? joinByPackets(group);
        if (made !== undefined) joined.set(text, made);
      } else {
        joined.delete(text);
        membership?.[Symbol.dispose]();
      }
      spent = performance.now() - start;
      if (spent >= budget) break;
    }
    budget -= spent;
    next ??= setImmediate(takeTurn);
  };

  const takeTurn = (): void => {
    next = undefined;
    budget = budgetMilliseconds;
    if (pending.size > 0) follow();
  };

  const want = (group: Address, more: 1 | -1): void => {
    const text = formatAddress(group);
    const count = (wanted.get(text) ?? 0) + more;
    if (count > 0) wanted.set(text, count);
    else wanted.delete(text);
    if (wanted.has(text) === joined.has(text)) pending.delete(text);
    else pending.set(text, group);
    if (pending.size > 0 && budget > 0) follow();
  };

  return {
    join: (group) => want(group, 1),
    leave: (group) => want(group, -1),
    [Symbol.dispose]() {
      clearImmediate(next);
      for (const socket of sockets) socket.close();
    },
  };
}

function openSocket(): Socket {
  const socket = createSocket({ type: 'udp6', ipv6Only: true });
  socket.unref();
  socket.on('error', () => {});
  return socket;
}

const isFull = (error: unknown): boolean => hasCode(error, 'ENOBUFS', 'ENOMEM');

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
