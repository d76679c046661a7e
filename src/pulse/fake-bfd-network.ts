// A network for BFD's tests: one node's sockets, whose datagrams are kept, and which receives what the test says.
import { SystemError } from '../linux/errno.ts';
import type { DatagramOrigin } from '../linux/udp-socket.ts';
import { type Address, addressToBytes } from '../model/address.ts';
import type { BfdEcho } from './bfd-echo.ts';
import type { BfdNetwork } from './bfd-network.ts';

export interface FakeBfdNetwork extends BfdNetwork {
  /** What was sent, in order. */
  readonly sent: { readonly peer: Address; readonly port: number; readonly bytes: Uint8Array }[];
  /** Ports that are open: `IPv4 single-hop`. */
  readonly listening: ReadonlySet<string>;
  /** Open senders, by their source port. */
  readonly senders: ReadonlySet<number>;
  /** Errnos of the next things that are opened or sent, each once; 0: none. */
  readonly listenErrors: number[];
  readonly senderErrors: number[];
  readonly sendErrors: string[];
  /** A datagram waits at the port until it is drained. */
  queue(kind: string, bytes: Uint8Array, origin: DatagramOrigin): void;
  /** The port's readiness is told. */
  deliver(kind: string): void;
}

export const originOf = (source: Address, more: Partial<DatagramOrigin> = {}): DatagramOrigin => ({
  source: addressToBytes(source),
  destination: addressToBytes(source),
  sourcePort: 49_152,
  interfaceIndex: 2,
  ttl: 255,
  ...more,
});

export function createFakeBfdNetwork(): FakeBfdNetwork {
  const ports = new Map<string, { drain(): void; isListening: boolean }>();
  const queues = new Map<string, (readonly [Uint8Array, DatagramOrigin])[]>();
  const senders = new Set<number>();
  const failWith = (syscall: string, errnos: number[]): void => {
    const errno = errnos.shift() ?? 0;
    if (errno !== 0) throw new SystemError(syscall, errno);
  };
  const network: FakeBfdNetwork = {
    sent: [],
    get listening() {
      return new Set(ports.keys());
    },
    senders,
    listenErrors: [],
    senderErrors: [],
    sendErrors: [],
    queue(kind, bytes, origin) {
      queues.set(kind, [...(queues.get(kind) ?? []), [bytes, origin]]);
    },
    deliver(kind) {
      const port = ports.get(kind);
      if (port?.isListening === true) port.drain();
    },
    listen(family, isMultihop, onDatagram) {
      failWith('bind', network.listenErrors);
      const kind = `${family} ${isMultihop ? 'multihop' : 'single-hop'}`;
      if (ports.has(kind)) throw new SystemError('bind', 98);
      const port = {
        isListening: true,
        drain() {
          const waiting = queues.get(kind) ?? [];
          queues.set(kind, []);
          for (const [bytes, origin] of waiting) onDatagram(bytes, origin);
        },
      };
      ports.set(kind, port);
      return {
        drain: port.drain,
        setListening(isListening) {
          port.isListening = isListening;
        },
        answer() {},
        [Symbol.dispose]: () => void ports.delete(kind),
      };
    },
    openSender({ peer }, port) {
      failWith('bind', network.senderErrors);
      if (senders.has(port)) throw new SystemError('bind', 98);
      senders.add(port);
      return {
        send(bytes) {
          const failure = network.sendErrors.shift();
          if (failure === undefined) network.sent.push({ peer, port, bytes: bytes.slice() });
          return failure;
        },
        [Symbol.dispose]: () => void senders.delete(port),
      };
    },
  };
  return network;
}

export const noEcho: BfdEcho = {
  refresh() {},
  setLinks() {},
  send() {},
  onReturn() {},
  [Symbol.dispose]() {},
};
