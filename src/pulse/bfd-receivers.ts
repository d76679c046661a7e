// The ports that BFD packets come to, open only while a session needs them.
import type { Arrival } from '../announce/bfd/table.ts';
import { SystemError } from '../linux/errno.ts';
import type { UdpReceiver } from '../linux/udp-socket.ts';
import type { Family } from '../model/address.ts';
import type { BfdNetwork } from './bfd-network.ts';

export interface BfdReceivers extends Disposable {
  /** Which kinds of session there are. Tries again those that could not be opened. */
  want(kinds: readonly PortKind[]): void;
  /** Takes all that has come. */
  drain(): void;
  /** False: what comes waits until it is drained. */
  setListening(isListening: boolean): void;
  setInterfaces(indexes: ReadonlyMap<string, number>): void;
  /** Why sessions of this kind hear nothing; undefined: they do. */
  problemOf(kind: PortKind): string | undefined;
}

export interface PortKind {
  readonly family: Family;
  readonly isMultihop: boolean;
}

interface Port {
  readonly receiver: UdpReceiver | undefined;
  readonly problem: string | undefined;
}

export function createBfdReceivers(
  network: BfdNetwork,
  onPacket: (bytes: Uint8Array, arrival: Arrival) => void,
): BfdReceivers {
  const ports = new Map<string, Port>();
  let listens = true;
  let names: ReadonlyMap<number, string> = new Map();

  const open = ({ family, isMultihop }: PortKind): Port => {
    // One object for all that comes to the port.
    const arrival: { -readonly [Field in keyof Arrival]: Arrival[Field] } = {
      isMultihop,
      source: new Uint8Array(0),
      destination: new Uint8Array(0),
      interfaceName: '',
      ttl: 0,
    };
    try {
      const receiver = network.listen(family, isMultihop, (bytes, origin) => {
        arrival.source = origin.source;
        arrival.destination = origin.destination;
        arrival.interfaceName = names.get(origin.interfaceIndex) ?? '';
        arrival.ttl = origin.ttl;
        onPacket(bytes, arrival);
      });
      receiver.setListening(listens);
      return { receiver, problem: undefined };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return { receiver: undefined, problem: sentenceOf(error.code, isMultihop) };
    }
  };

  return {
    want(kinds) {
      const wanted = new Map(kinds.map((kind) => [keyOf(kind), kind]));
      for (const [key, { receiver }] of ports) {
        if (wanted.has(key)) continue;
        receiver?.[Symbol.dispose]();
        ports.delete(key);
      }
      for (const [key, kind] of wanted)
        if (ports.get(key)?.receiver === undefined) ports.set(key, open(kind));
    },
    drain() {
      for (const { receiver } of ports.values()) receiver?.drain();
    },
    setListening(isListening) {
      if (listens === isListening) return;
      listens = isListening;
      for (const { receiver } of ports.values()) receiver?.setListening(isListening);
    },
    setInterfaces(indexes) {
      names = new Map([...indexes].map(([name, index]) => [index, name]));
    },
    problemOf: (kind) => ports.get(keyOf(kind))?.problem,
    [Symbol.dispose]() {
      for (const { receiver } of ports.values()) receiver?.[Symbol.dispose]();
      ports.clear();
    },
  };
}

const keyOf = ({ family, isMultihop }: PortKind): string => `${family} ${isMultihop}`;

const sentenceOf = (code: string, isMultihop: boolean): string =>
  code === 'EADDRINUSE'
    ? `another program of this node has UDP port ${isMultihop ? 4784 : 3784}: let only one of both speak BFD`
    : `the BFD port cannot be opened (${code})`;
