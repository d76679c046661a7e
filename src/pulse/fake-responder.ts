// A responder in memory that behaves as the kernel's: asked by tests, it answers as neighbours would be answered.
import { formatMac, sameBytes } from '../announce/layer2/ethernet.ts';
import { type Address, formatAddress } from '../model/address.ts';
import {
  type Grant,
  isGranted,
  type Responder,
  type ResponderCounters,
  type ResponderInterface,
} from './responder.ts';

export interface FakeResponder extends Responder {
  /** A neighbour on the interface's segment asks; the MAC that answers, or undefined. */
  ask(interfaceName: string, address: Address): string | undefined;
  /** What was announced unasked, as `interface address`, in order. */
  readonly announced: readonly string[];
  /** Indexes that its kernel does not have. */
  readonly missing: Set<number>;
}

export function createFakeResponder(now: () => number): FakeResponder {
  let interfaces: readonly ResponderInterface[] = [];
  const owned = new Map<string, { readonly names: readonly string[]; readonly grant: Grant }>();
  const counters = new Map<string, ResponderCounters>();
  const announced: string[] = [];
  const missing = new Set<number>();
  /** Interface and address: its one neighbour has asked there. */
  const asked = new Set<string>();

  const countersOf = (address: string): ResponderCounters => {
    const found = counters.get(address) ?? { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
    counters.set(address, found);
    return found;
  };
  const mayAnswer = (text: string): boolean => {
    const entry = owned.get(text);
    return entry !== undefined && isGranted(entry.grant, now());
  };
  const answering = (address: Address): string[] => {
    const wanted = owned.get(formatAddress(address))?.names ?? [];
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
    own(address, names, grant) {
      owned.set(formatAddress(address), { names, grant });
      countersOf(formatAddress(address));
    },
    release: (address) => void owned.delete(formatAddress(address)),
    announce(address) {
      const text = formatAddress(address);
      if (!mayAnswer(text)) return;
      for (const name of answering(address)) {
        announced.push(`${name} ${text}`);
        const toAsker = asked.has(`${name} ${text}`) ? 1 : 0;
        countersOf(text).gratuitousSent += (address.family === 'IPv4' ? 2 : 1) + toAsker;
      }
    },
    ask(interfaceName, address) {
      const port = interfaces.find(({ name }) => name === interfaceName);
      if (port === undefined || !answering(address).includes(interfaceName)) return undefined;
      const count = countersOf(formatAddress(address));
      count.requestsReceived++;
      asked.add(`${interfaceName} ${formatAddress(address)}`);
      if (!mayAnswer(formatAddress(address))) return undefined;
      count.responsesSent++;
      return formatMac(port.mac);
    },
    [Symbol.dispose]() {
      owned.clear();
      interfaces = [];
    },
  };
}
