// The sockets that BFD sessions send by: opened when they can be, opened anew when their interface or route comes back.

import type { ControlPacket } from '../announce/bfd/message.ts';
import { writeControlPacket } from '../announce/bfd/message.ts';
import type { Entry } from '../announce/bfd/table.ts';
import { SystemError } from '../linux/errno.ts';
import type { UdpSender } from '../linux/udp-socket.ts';
import { type BfdNetwork, firstSourcePort, lastSourcePort } from './bfd-network.ts';

export interface BfdSenders extends Disposable {
  send(entry: Entry, packet: ControlPacket): void;
  /** Once more what was sent last. */
  repeat(entry: Entry): void;
  /** Interfaces by name, as they are now. */
  setInterfaces(indexes: ReadonlyMap<string, number>): void;
  /** Tries again what has failed. Returns the entries whose problem has changed. */
  mend(): readonly string[];
  /** Why nothing leaves for the session's peer; undefined: it does. */
  problemOf(key: string): string | undefined;
  /** 0: it has none yet. */
  portOf(key: string): number;
  /** The port that the session had in another process. */
  setPort(key: string, port: number): void;
  close(key: string): void;
}

interface Outlet {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  socket: UdpSender | undefined;
  interfaceIndex: number | undefined;
  port: number;
  /** Until it can be opened, or a packet leaves. */
  problem: string | undefined;
  toldProblem: string | undefined;
}

/** One in 16,384 ports is free at the first try, unless there are thousands of sessions. */
const triedPorts = 32;

export function createBfdSenders(network: BfdNetwork, random: () => number): BfdSenders {
  const outlets = new Map<string, Outlet>();
  const ports = new Map<string, number>();
  let interfaces: ReadonlyMap<string, number> = new Map();

  const outletOf = (entry: Entry): Outlet => {
    const existing = outlets.get(entry.key);
    if (existing !== undefined) return existing;
    const outlet: Outlet = {
      entry,
      bytes: new Uint8Array(24),
      socket: undefined,
      interfaceIndex: undefined,
      port: ports.get(entry.key) ?? 0,
      problem: undefined,
      toldProblem: undefined,
    };
    outlets.set(entry.key, outlet);
    open(outlet);
    return outlet;
  };

  const open = (outlet: Outlet): void => {
    const { wanted } = outlet.entry;
    outlet.interfaceIndex =
      wanted.interfaceName === undefined ? undefined : interfaces.get(wanted.interfaceName);
    if (wanted.interfaceName !== undefined && outlet.interfaceIndex === undefined) {
      outlet.problem = `there is no interface ${wanted.interfaceName}`;
      return;
    }
    for (let left = triedPorts; left > 0; left--) {
      const port =
        outlet.port || firstSourcePort + Math.floor(random() * (lastSourcePort - firstSourcePort + 1));
      try {
        outlet.socket = network.openSender(wanted, port, outlet.interfaceIndex);
        outlet.port = port;
        return;
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        outlet.problem = sentenceOf(error.code);
        if (error.code !== 'EADDRINUSE') return;
        outlet.port = 0;
      }
    }
  };

  const shut = (outlet: Outlet): void => {
    outlet.socket?.[Symbol.dispose]();
    outlet.socket = undefined;
  };

  const emit = (outlet: Outlet): void => {
    if (outlet.socket === undefined) return;
    let failure = outlet.socket.send(outlet.bytes);
    // That is of an earlier datagram, which nobody listened for; this one is not sent yet.
    if (failure === 'ECONNREFUSED') failure = outlet.socket.send(outlet.bytes);
    outlet.problem = failure === undefined || isPassing(failure) ? undefined : sentenceOf(failure);
  };

  return {
    send(entry, packet) {
      const outlet = outletOf(entry);
      writeControlPacket(packet, outlet.bytes);
      emit(outlet);
    },
    repeat(entry) {
      const outlet = outlets.get(entry.key);
      if (outlet !== undefined) emit(outlet);
    },
    setInterfaces(indexes) {
      interfaces = indexes;
      for (const outlet of outlets.values()) {
        const { interfaceName } = outlet.entry.wanted;
        if (interfaceName === undefined || outlet.interfaceIndex === indexes.get(interfaceName)) continue;
        shut(outlet);
        open(outlet);
      }
    },
    mend() {
      const changed: string[] = [];
      for (const [key, outlet] of outlets) {
        if (outlet.problem !== undefined) {
          shut(outlet);
          open(outlet);
        }
        if (outlet.problem === outlet.toldProblem) continue;
        outlet.toldProblem = outlet.problem;
        changed.push(key);
      }
      return changed;
    },
    problemOf: (key) => outlets.get(key)?.problem,
    portOf: (key) => outlets.get(key)?.port ?? ports.get(key) ?? 0,
    setPort: (key, port) => void ports.set(key, port),
    close(key) {
      const outlet = outlets.get(key);
      if (outlet !== undefined) shut(outlet);
      outlets.delete(key);
      ports.delete(key);
    },
    [Symbol.dispose]() {
      for (const outlet of outlets.values()) shut(outlet);
      outlets.clear();
    },
  };
}

/** The next packet may fare better, with nothing done. */
const isPassing = (code: string): boolean =>
  code === 'ECONNREFUSED' || code === 'ENOBUFS' || code === 'EAGAIN';

/** The failure, and what to do about it. */
function sentenceOf(code: string): string {
  switch (code) {
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `there is no way to the peer (${code}): give this node a route to it, or bring its link up`;
    case 'EADDRNOTAVAIL':
      return 'the session’s own address is not on this node: put it on an interface, or leave the source address out';
    case 'EPERM':
    case 'EACCES':
      return `sending is forbidden (${code}): let this node’s firewall pass UDP to ports 3784, 3785 and 4784`;
    default:
      return `sending to the peer fails with ${code}`;
  }
}
