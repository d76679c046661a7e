// Answers by packet sockets: two an interface, one for ARP and one for neighbour solicitations.
import { gratuitousArp, unicastArp } from '../announce/layer2/arp.ts';
import { createAskers } from '../announce/layer2/askers.ts';
import { etherTypeArp, etherTypeIpv6, sameBytes } from '../announce/layer2/ethernet.ts';
import {
  solicitedNodeGroup,
  unicastAdvertisement,
  unsolicitedAdvertisement,
} from '../announce/layer2/ndp.ts';
import { respond } from '../announce/layer2/respond.ts';
import { SystemError } from '../linux/errno.ts';
import { openPacketSocket, type PacketSocket } from '../linux/packet-socket.ts';
import { type Address, formatAddress } from '../model/address.ts';
import { createMulticastGroups, type MulticastGroups } from './multicast-groups.ts';
import { arpFilter, solicitationFilter } from './packet-filter.ts';
import {
  type Grant,
  isGranted,
  type Responder,
  type ResponderCounters,
  type ResponderEvents,
  type ResponderInterface,
} from './responder.ts';

interface Port extends ResponderInterface {
  readonly arp: PacketSocket;
  readonly ndp: PacketSocket;
  readonly multicast: MulticastGroups;
  readonly owned: Set<string>;
}

interface Owned {
  readonly address: Address;
  readonly interfaces: readonly string[];
  readonly grant: Grant;
}

/** `now`: the clock that grants are counted by. `knows`: whether an address may become ours. */
export function createPacketResponder(
  events: ResponderEvents,
  now: () => number,
  knows: (address: string) => boolean,
): Responder {
  const ports = new Map<string, Port>();
  const owned = new Map<string, Owned>();
  const counters = new Map<string, ResponderCounters>();
  const askers = createAskers();

  const countersOf = (address: string): ResponderCounters => {
    const found = counters.get(address) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
    counters.set(address, found);
    return found;
  };

  const mayAnswer = (text: string): boolean => {
    const entry = owned.get(text);
    return entry !== undefined && isGranted(entry.grant, now());
  };

  /** Another interface of ours may be on the same segment. */
  const isOurMac = (mac: Uint8Array): boolean => {
    for (const port of ports.values()) if (sameBytes(port.mac, mac)) return true;
    return false;
  };

  const transmit = (port: ResponderInterface, socket: PacketSocket, frame: Uint8Array): boolean => {
    try {
      socket.send(frame);
      return true;
    } catch (error) {
      // The link is down or full: a neighbour asks again, and an announcement is repeated.
      if (error instanceof SystemError) events.failed(port.name, error);
      else throw error;
      return false;
    }
  };

  const open = (wanted: ResponderInterface): Port => {
    const set = new Set<string>();
    const receive = (frame: Uint8Array, socket: () => PacketSocket): void => {
      const response = respond(frame, wanted.mac, (address) => set.has(address), knows);
      if (response.kind === 'conflict' && !isOurMac(response.mac))
        events.conflict(response.address, wanted.name, response.mac);
      if (response.kind === 'malformed') events.malformed(response.error);
      if (response.kind !== 'answer' && response.kind !== 'overheard') return;
      if (response.asker !== undefined) askers.note(wanted.name, response.address, response.asker, now());
      if (response.kind === 'overheard') return;
      const count = countersOf(response.address);
      count.requestsReceived++;
      if (!mayAnswer(response.address)) return;
      if (transmit(wanted, socket(), response.frame)) count.responsesSent++;
    };
    const { index: interfaceIndex } = wanted;
    const arp: PacketSocket = openPacketSocket({
      interfaceIndex,
      protocol: etherTypeArp,
      filter: arpFilter,
      onFrame: (frame) => receive(frame, () => arp),
    });
    try {
      const ndp: PacketSocket = openPacketSocket({
        interfaceIndex,
        protocol: etherTypeIpv6,
        filter: solicitationFilter,
        onFrame: (frame) => receive(frame, () => ndp),
      });
      const { name, mac } = wanted;
      const multicast = createMulticastGroups(name, ndp);
      return { name, index: interfaceIndex, mac, arp, ndp, multicast, owned: set };
    } catch (error) {
      arp[Symbol.dispose]();
      throw error;
    }
  };

  const close = (port: Port): void => {
    ports.delete(port.name);
    port.owned.clear();
    port.arp[Symbol.dispose]();
    port.ndp[Symbol.dispose]();
    port.multicast[Symbol.dispose]();
  };

  const start = (port: Port, text: string, address: Address): void => {
    if (port.owned.has(text)) return;
    port.owned.add(text);
    if (address.family === 'IPv6') port.multicast.join(solicitedNodeGroup(address));
  };

  const stop = (port: Port, text: string): void => {
    const address = owned.get(text)?.address;
    if (!port.owned.delete(text) || address?.family !== 'IPv6') return;
    port.multicast.leave(solicitedNodeGroup(address));
  };

  return {
    counters,
    isOpen: (interfaceName) => ports.has(interfaceName),
    setInterfaces(interfaces) {
      const opened: string[] = [];
      for (const port of [...ports.values()]) {
        const still = interfaces.find(({ name }) => name === port.name);
        if (still === undefined || still.index !== port.index || !sameBytes(still.mac, port.mac)) close(port);
      }
      for (const wanted of interfaces) {
        if (ports.has(wanted.name)) continue;
        try {
          const port = open(wanted);
          ports.set(wanted.name, port);
          opened.push(wanted.name);
          for (const [text, entry] of owned) {
            if (entry.interfaces.includes(wanted.name)) start(port, text, entry.address);
          }
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          events.failed(wanted.name, error);
        }
      }
      return opened;
    },
    own(address, interfaces, grant) {
      const text = formatAddress(address);
      owned.set(text, { address, interfaces, grant });
      countersOf(text);
      for (const port of ports.values()) {
        if (interfaces.includes(port.name)) start(port, text, address);
        else stop(port, text);
      }
    },
    release(address) {
      const text = formatAddress(address);
      for (const port of ports.values()) stop(port, text);
      owned.delete(text);
    },
    answering(address) {
      const text = formatAddress(address);
      return [...ports.values()].filter((port) => port.owned.has(text)).map(({ name }) => name);
    },
    announce(address) {
      const text = formatAddress(address);
      if (!mayAnswer(text)) return;
      for (const port of ports.values()) {
        if (!port.owned.has(text)) continue;
        const { mac } = port;
        const told = askers.recall(port.name, text, address.family, now());
        const isIpv4 = address.family === 'IPv4';
        const frames = isIpv4
          ? [
              gratuitousArp('request', address, mac),
              gratuitousArp('reply', address, mac),
              ...told.map((asker) => unicastArp(address, mac, asker)),
            ]
          : [
              unsolicitedAdvertisement(address, mac),
              ...told.map((asker) => unicastAdvertisement(address, mac, asker)),
            ];
        const socket = isIpv4 ? port.arp : port.ndp;
        for (const frame of frames) if (transmit(port, socket, frame)) countersOf(text).gratuitousSent++;
      }
    },
    [Symbol.dispose]() {
      for (const port of [...ports.values()]) close(port);
    },
  };
}
