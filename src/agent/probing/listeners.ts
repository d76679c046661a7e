// The sockets that probes are sent by and their answers heard on, open only while rounds are under way.
import { arpProbe, readArp } from '../../announce/layer2/arp.ts';
import { etherTypeArp, etherTypeIpv6, formatMac } from '../../announce/layer2/ethernet.ts';
import { duplicateDetection, readAdvertisement } from '../../announce/layer2/ndp.ts';
import type { Probe } from '../../announce/layer2/probing.ts';
import type { Link } from '../../linux/links.ts';
import { openPacketSocket, type PacketSocket } from '../../linux/packet-socket.ts';
import type { Address } from '../../model/address.ts';
import { advertisementFilter, arpFilter } from '../../pulse/packet-filter.ts';

export interface ProbeListeners extends Disposable {
  /** Sockets of other links are closed. Throws SystemError where one cannot be opened. */
  keepOpen(links: readonly Link[]): void;
  /** A link that went away meanwhile takes the probe along: it is sent again in the next round. */
  send(probe: Probe): void;
}

interface Listener extends Disposable {
  readonly mac: Uint8Array;
  readonly sockets: { readonly IPv4: PacketSocket; readonly IPv6: PacketSocket };
}

/** `heard` is told of everyone who says that an address is his, of whatever address. */
export function createProbeListeners(heard: (address: Address, mac: string) => void): ProbeListeners {
  const listeners = new Map<string, Listener>();

  const open = ({ index, mac }: Link): Listener => {
    const ipv4 = openPacketSocket({
      interfaceIndex: index,
      protocol: etherTypeArp,
      filter: arpFilter,
      onFrame(frame) {
        const arp = readArp(frame);
        if (!('error' in arp) && arp.senderIp.value !== 0n) heard(arp.senderIp, formatMac(arp.senderMac));
      },
    });
    try {
      const ipv6 = openPacketSocket({
        interfaceIndex: index,
        protocol: etherTypeIpv6,
        filter: advertisementFilter,
        onFrame(frame) {
          const advertisement = readAdvertisement(frame);
          if ('error' in advertisement) return;
          heard(advertisement.target, formatMac(advertisement.sourceMac));
        },
      });
      return {
        mac,
        sockets: { IPv4: ipv4, IPv6: ipv6 },
        [Symbol.dispose]() {
          ipv4[Symbol.dispose]();
          ipv6[Symbol.dispose]();
        },
      };
    } catch (error) {
      ipv4[Symbol.dispose]();
      throw error;
    }
  };

  const close = (name: string): void => {
    listeners.get(name)?.[Symbol.dispose]();
    listeners.delete(name);
  };

  return {
    keepOpen(links) {
      const names = new Set(links.map(({ name }) => name));
      for (const name of listeners.keys()) if (!names.has(name)) close(name);
      for (const link of links) if (!listeners.has(link.name)) listeners.set(link.name, open(link));
    },
    send({ address, interface: name }) {
      const listener = listeners.get(name);
      if (listener === undefined) return;
      const { mac, sockets } = listener;
      const frame = address.family === 'IPv4' ? arpProbe(address, mac) : duplicateDetection(address, mac);
      try {
        sockets[address.family].send(frame);
      } catch {
        // Down, gone or full.
        close(name);
      }
    },
    [Symbol.dispose]() {
      for (const name of [...listeners.keys()]) close(name);
    },
  };
}
