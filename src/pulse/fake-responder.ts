// A responder in memory that behaves as the kernel's: asked by tests, it answers as neighbours would be answered.
import { formatMac, sameBytes } from '../announce/layer2/ethernet.ts';
import { type Address, formatAddress } from '../model/address.ts';
import { holdingKey, shareOf } from '../model/share.ts';
import {
  type Grant,
  isGranted,
  type Responder,
  type ResponderCounters,
  type ResponderInterface,
} from './responder.ts';

export interface FakeResponder extends Responder {
  /** A neighbour on the interface's segment asks, the one of this MAC if given; the MAC that answers, or undefined. */
  ask(interfaceName: string, address: Address, mac?: Uint8Array): string | undefined;
  /** What was announced unasked, as `interface key`, in order. */
  readonly announced: readonly string[];
  /** Indexes that its kernel does not have. */
  readonly missing: Set<number>;
}

const someMac = Uint8Array.of(2, 0, 0, 0, 0, 100);

export function createFakeResponder(now: () => number): FakeResponder {
  let interfaces: readonly ResponderInterface[] = [];
  /** By key: an address, or a share of one. */
  const owned = new Map<string, { readonly names: readonly string[]; readonly grant: Grant }>();
  const counters = new Map<string, ResponderCounters>();
  const announced: string[] = [];
  const missing = new Set<number>();
  /** Interface and key: its one neighbour has asked there. */
  const asked = new Set<string>();

  const countersOf = (address: string): ResponderCounters => {
    const found = counters.get(address) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
    counters.set(address, found);
    return found;
  };
  const mayAnswer = (key: string): boolean => {
    const entry = owned.get(key);
    return entry !== undefined && isGranted(entry.grant, now());
  };
  const keyOf = (address: Address, share?: number): string => holdingKey(formatAddress(address), share);
  const answering = (address: Address, share?: number): string[] => {
    const wanted = owned.get(keyOf(address, share))?.names ?? [];
    return interfaces.map(({ name }) => name).filter((name) => wanted.includes(name));
  };

  return {
    counters,
    announced,
    missing,
    answering,
    isOpen: (interfaceName) => interfaces.some(({ name }) => name === interfaceName),
    setInterfaces(list) {
      const before = interfaces;
      interfaces = list.filter(({ index }) => !missing.has(index));
      return interfaces
        .filter(
          ({ name, index, mac }) =>
            !before.some((one) => one.name === name && one.index === index && sameBytes(one.mac, mac)),
        )
        .map(({ name }) => name);
    },
    own(address, names, grant, share) {
      owned.set(keyOf(address, share), { names, grant });
      countersOf(formatAddress(address));
    },
    overhear() {},
    askers: () => [],
    inherit() {},
    release: (address, share) => void owned.delete(keyOf(address, share)),
    announce(address, share) {
      const key = keyOf(address, share);
      if (!mayAnswer(key)) return;
      for (const name of answering(address, share)) {
        announced.push(`${name} ${key}`);
        const toAsker = asked.has(`${name} ${key}`) ? 1 : 0;
        const toAll = share !== undefined ? 0 : address.family === 'IPv4' ? 2 : 1;
        countersOf(formatAddress(address)).gratuitousSent += toAll + toAsker;
      }
    },
    ask(interfaceName, address, mac = someMac) {
      const port = interfaces.find(({ name }) => name === interfaceName);
      const share = answering(address).includes(interfaceName) ? undefined : shareOf(mac);
      if (port === undefined || !answering(address, share).includes(interfaceName)) return undefined;
      const count = countersOf(formatAddress(address));
      count.requestsReceived++;
      asked.add(`${interfaceName} ${keyOf(address, share)}`);
      if (!mayAnswer(keyOf(address, share))) return undefined;
      count.responsesSent++;
      return formatMac(port.mac);
    },
    [Symbol.dispose]() {
      owned.clear();
      interfaces = [];
    },
  };
}
