// Answers by packet sockets: two an interface, one for ARP and one for neighbour solicitations.
import { gratuitousArp, unicastArp } from '../announce/layer2/arp.ts';
import { type Asker, createAskers } from '../announce/layer2/askers.ts';
import { etherTypeArp, etherTypeIpv6, sameBytes } from '../announce/layer2/ethernet.ts';
import {
  solicitedNodeGroup,
  unicastAdvertisement,
  unsolicitedAdvertisement,
} from '../announce/layer2/ndp.ts';
import { type Registry, respond } from '../announce/layer2/respond.ts';
import { SystemError } from '../linux/errno.ts';
import { openPacketSocket, type PacketSocket } from '../linux/packet-socket.ts';
import { type Address, formatAddress } from '../model/address.ts';
import { holdingKey, shareOf } from '../model/share.ts';
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
  readonly holdings: Holdings;
}

/** What is answered for on one interface. */
interface Holdings {
  readonly keys: Set<string>;
  /** By address, how many of the keys are of it: several where it is spread. */
  readonly addresses: Map<string, number>;
}

interface Owned {
  readonly address: Address;
  readonly interfaces: readonly string[];
  readonly grant: Grant;
}

/** `now`: the clock that grants are counted by. `knows`: whether what has this key may become ours. */
export function createPacketResponder(
  events: ResponderEvents,
  now: () => number,
  knows: (key: string) => boolean,
): Responder {
  const ports = new Map<string, Port>();
  /** By key: an address, or a share of one. */
  const owned = new Map<string, Owned>();
  const counters = new Map<string, ResponderCounters>();
  const askers = createAskers();
  /** By text: beside those of which something is owned. */
  const overheard = new Map<string, Address>();

  const countersOf = (address: string): ResponderCounters => {
    const found = counters.get(address) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
    counters.set(address, found);
    return found;
  };

  const mayAnswer = (key: string): boolean => {
    const entry = owned.get(key);
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
    const holdings: Holdings = { keys: new Set(), addresses: new Map() };
    const registry = registryOf(holdings, knows);
    const receive = (frame: Uint8Array, socket: () => PacketSocket): void => {
      const response = respond(frame, wanted.mac, registry);
      if (response.kind === 'conflict' && !isOurMac(response.mac))
        events.conflict(response.address, wanted.name, response.mac);
      if (response.kind === 'malformed') events.malformed(response.error);
      if (response.kind !== 'answer' && response.kind !== 'overheard') return;
      if (response.asker !== undefined) askers.note(wanted.name, response.key, response.asker, now());
      if (response.kind === 'overheard') return;
      const count = countersOf(response.address);
      count.requestsReceived++;
      if (!mayAnswer(response.key)) return;
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
      return { name, index: interfaceIndex, mac, arp, ndp, multicast, holdings };
    } catch (error) {
      arp[Symbol.dispose]();
      throw error;
    }
  };

  const close = (port: Port): void => {
    ports.delete(port.name);
    port.holdings.keys.clear();
    port.holdings.addresses.clear();
    port.arp[Symbol.dispose]();
    port.ndp[Symbol.dispose]();
    port.multicast[Symbol.dispose]();
  };

  const start = ({ holdings, multicast }: Port, key: string, address: Address): void => {
    if (holdings.keys.has(key)) return;
    holdings.keys.add(key);
    const text = formatAddress(address);
    const count = holdings.addresses.get(text) ?? 0;
    holdings.addresses.set(text, count + 1);
    if (count === 0 && address.family === 'IPv6') multicast.join(solicitedNodeGroup(address));
  };

  /** Joins are counted: who has it, too, has joined once more. */
  const listen = ({ multicast }: Port, address: Address): void => {
    if (address.family === 'IPv6') multicast.join(solicitedNodeGroup(address));
  };

  const stop = ({ holdings, multicast }: Port, key: string, address: Address): void => {
    if (!holdings.keys.delete(key)) return;
    const text = formatAddress(address);
    const count = holdings.addresses.get(text) ?? 1;
    if (count > 1) {
      holdings.addresses.set(text, count - 1);
      return;
    }
    holdings.addresses.delete(text);
    if (address.family === 'IPv6') multicast.leave(solicitedNodeGroup(address));
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
          for (const address of overheard.values()) listen(port, address);
          for (const [key, entry] of owned) {
            if (entry.interfaces.includes(wanted.name)) start(port, key, entry.address);
          }
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          events.failed(wanted.name, error);
        }
      }
      return opened;
    },
    own(address, interfaces, grant, share) {
      const text = formatAddress(address);
      const key = holdingKey(text, share);
      owned.set(key, { address, interfaces, grant });
      countersOf(text);
      for (const port of ports.values()) {
        if (interfaces.includes(port.name)) start(port, key, address);
        else stop(port, key, address);
      }
    },
    release(address, share) {
      const key = holdingKey(formatAddress(address), share);
      for (const port of ports.values()) stop(port, key, address);
      owned.delete(key);
    },
    answering(address, share) {
      const key = holdingKey(formatAddress(address), share);
      return [...ports.values()].filter(({ holdings }) => holdings.keys.has(key)).map(({ name }) => name);
    },
    announce(address, share) {
      const text = formatAddress(address);
      const key = holdingKey(text, share);
      if (!mayAnswer(key)) return;
      for (const port of ports.values()) {
        if (!port.holdings.keys.has(key)) continue;
        const told = askers.recall(port.name, key, address.family, now());
        const socket = address.family === 'IPv4' ? port.arp : port.ndp;
        for (const frame of announcements(address, port.mac, told, share === undefined))
          if (transmit(port, socket, frame)) countersOf(text).gratuitousSent++;
      }
    },
    overhear(address, isWanted) {
      const text = formatAddress(address);
      if (overheard.has(text) === isWanted) return;
      if (isWanted) overheard.set(text, address);
      else overheard.delete(text);
      for (const port of ports.values()) {
        if (isWanted) listen(port, address);
        else if (address.family === 'IPv6') port.multicast.leave(solicitedNodeGroup(address));
      }
    },
    askers: () => askers.ofShares(),
    inherit: (records) => askers.inherit(records),
    [Symbol.dispose]() {
      for (const port of [...ports.values()]) close(port);
    },
  };
}

const registryOf = ({ keys, addresses }: Holdings, knows: (key: string) => boolean): Registry => ({
  owns: (address) => addresses.has(address),
  ownedKey(address, mac) {
    if (keys.has(address)) return address;
    if (!addresses.has(address)) return undefined;
    const key = holdingKey(address, shareOf(mac));
    return keys.has(key) ? key : undefined;
  },
  knownKey(address, mac) {
    if (knows(address)) return address;
    const key = holdingKey(address, shareOf(mac));
    return knows(key) ? key : undefined;
  },
});

/** `toAll`: to everybody on the segment, beside those that have asked. */
function announcements(
  address: Address,
  mac: Uint8Array,
  told: readonly Asker[],
  toAll: boolean,
): Uint8Array[] {
  if (address.family === 'IPv4') {
    const all = [gratuitousArp('request', address, mac), gratuitousArp('reply', address, mac)];
    return [...(toAll ? all : []), ...told.map((asker) => unicastArp(address, mac, asker))];
  }
  const all = [unsolicitedAdvertisement(address, mac)];
  return [...(toAll ? all : []), ...told.map((asker) => unicastAdvertisement(address, mac, asker))];
}
