// Hellos on the segments on which heartbeats do not run, and what follows for this node's links there.
import { etherTypeHello, readHello, writeHello } from '../announce/layer2/hello-frame.ts';
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import {
  createSegmentWatch,
  heardOn,
  hearHello,
  helloMilliseconds,
  isCutOff,
  judgeSegments,
  type SegmentWatch,
  setSegments,
} from '../announce/layer2/segment-watch.ts';
import type { HeartbeatKey } from '../announce/membership/message.ts';
import { SystemError } from '../linux/errno.ts';
import { openPacketSocket, type PacketSocket } from '../linux/packet-socket.ts';
import type { Log } from '../observe/log.ts';
import type { ResponderInterface } from './responder.ts';

export interface SegmentsOptions {
  readonly now: () => number;
  readonly log: Log;
  /** The first is used, all are accepted. */
  readonly keys: () => readonly HeartbeatKey[];
  /** Undefined where it cannot be opened. */
  readonly open: (interfaceIndex: number, onFrame: (frame: Uint8Array) => void) => HelloSocket | undefined;
  /** As the member says itself by its heartbeats; undefined for one that does not live. */
  readonly interfacesOf: (member: string) => readonly NodeInterface[] | undefined;
  /** A link counts as down, or up again. */
  readonly changed: () => void;
}

export type HelloSocket = Pick<PacketSocket, 'send'> & Disposable;

export interface Segments extends Disposable {
  /** This node, from now on. */
  begin(self: string, bootId: bigint): void;
  /** Where to say hello, and to listen for it. */
  setInterfaces(interfaces: readonly ResponderInterface[]): void;
  isCut(interfaceName: string): boolean;
}

interface Port extends ResponderInterface {
  readonly socket: HelloSocket;
}

/** Undefined where the interface is gone: it is tried again when links change. */
export function openHelloSocket(
  interfaceIndex: number,
  onFrame: (frame: Uint8Array) => void,
): HelloSocket | undefined {
  try {
    return openPacketSocket({ interfaceIndex, protocol: etherTypeHello, onFrame });
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

export function createSegments(options: SegmentsOptions): Segments {
  const { now, log, keys } = options;
  const ports = new Map<string, Port>();
  let watch: SegmentWatch = createSegmentWatch('');
  let bootId = 0n;
  let sequence = 0;
  let timer: NodeJS.Timeout | undefined;

  const isThere = (member: string, interfaceName: string): boolean =>
    options.interfacesOf(member)?.some(({ name, up }) => name === interfaceName && up) === true;

  const sayHello = (): void => {
    const [key] = keys();
    if (key === undefined) return;
    sequence++;
    for (const { name: interfaceName, mac, socket } of ports.values()) {
      const hears = heardOn(watch, interfaceName, now());
      try {
        socket.send(writeHello({ from: watch.self, bootId, sequence, interfaceName, hears }, mac, key));
      } catch (error) {
        // The link is down or full: that the others hear nothing is what tells.
        if (!(error instanceof SystemError)) throw error;
      }
    }
    const changes = judgeSegments(watch, isThere, now());
    for (const { interfaceName, isCut, missing } of changes) {
      if (isCut)
        log.warn('segment-cut', {
          interface: interfaceName,
          missing,
          next: 'Most members are not heard on this link, or do not hear this node: look for a cut cable or a switch. The others answer there meanwhile.',
        });
      else log.info('segment-whole', { interface: interfaceName });
    }
    if (changes.length > 0) options.changed();
  };

  const open = (wanted: ResponderInterface): void => {
    const socket = options.open(wanted.index, (frame) => {
      const hello = readHello(frame, keys());
      if (hello !== undefined) hearHello(watch, wanted.name, hello, now());
    });
    if (socket !== undefined) ports.set(wanted.name, { ...wanted, socket });
  };

  return {
    begin(self, start) {
      if (self !== watch.self) watch = createSegmentWatch(self);
      setSegments(watch, [...ports.keys()]);
      bootId = start;
      timer ??= setInterval(sayHello, helloMilliseconds);
    },
    setInterfaces(interfaces) {
      for (const [name, port] of ports) {
        if (interfaces.some((one) => one.name === name && one.index === port.index)) continue;
        port.socket[Symbol.dispose]();
        ports.delete(name);
      }
      for (const wanted of interfaces) if (!ports.has(wanted.name)) open(wanted);
      setSegments(watch, [...ports.keys()]);
    },
    isCut: (interfaceName) => isCutOff(watch, interfaceName),
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const { socket } of ports.values()) socket[Symbol.dispose]();
      ports.clear();
    },
  };
}
