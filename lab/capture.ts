// The frames that cross a segment, each once, where it enters the switch: what tests look at to judge ARP and NDP.
import { listLinks } from '../src/linux/links.ts';
import { openPacketSocket, type PacketSocket } from '../src/linux/packet-socket.ts';
import type { Segment } from './segment.ts';

export interface CapturedFrame {
  /** The name of the host that sent it. */
  readonly from: string;
  readonly bytes: Uint8Array;
  /** By `performance.now()`. */
  readonly atMilliseconds: number;
}

export interface Capture extends Disposable {
  /** All so far, in the order of their arrival for each host. */
  readonly frames: readonly CapturedFrame[];
  /** The first frame that matches, of those there and of those to come; rejects when none came in time. */
  waitFor(matches: (frame: CapturedFrame) => boolean, timeoutMilliseconds: number): Promise<CapturedFrame>;
}

const allEtherTypes = 3;

/** Captures what the hosts now on the segment send, of one EtherType or of all, until disposed. */
export function captureFrames(segment: Segment, etherType?: number): Capture {
  const frames: CapturedFrame[] = [];
  const watchers = new Set<(frame: CapturedFrame) => void>();
  const sockets = segment.host.inside(() => {
    const indexes = new Map(listLinks().map((link) => [link.name, link.index]));
    return segment.cables.map(({ port, host }): PacketSocket => {
      const interfaceIndex = indexes.get(port);
      if (interfaceIndex === undefined) throw new Error(`${segment.name} has no port ${port}`);
      const onFrame = (bytes: Uint8Array): void => {
        if (etherType !== undefined && ((bytes[12] ?? 0) << 8) + (bytes[13] ?? 0) !== etherType) return;
        const frame = { from: host.name, bytes: bytes.slice(), atMilliseconds: performance.now() };
        frames.push(frame);
        for (const watch of watchers) watch(frame);
      };
      // The bridge takes frames away from sockets that ask for one EtherType. A veth pair hands over what the other
      // end did not cut into packets: up to 64 KiB.
      const protocol = allEtherTypes;
      return openPacketSocket({ interfaceIndex, protocol, maximumFrameBytes: 1 << 17, onFrame });
    });
  });
  return {
    frames,
    waitFor: (matches, timeoutMilliseconds) =>
      new Promise((resolve, reject) => {
        const found = frames.find(matches);
        if (found !== undefined) return resolve(found);
        const watch = (frame: CapturedFrame): void => {
          if (!matches(frame)) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve(frame);
        };
        const timer = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`none of ${frames.length} frames matched within ${timeoutMilliseconds} ms`));
        }, timeoutMilliseconds);
        watchers.add(watch);
      }),
    [Symbol.dispose]() {
      for (const socket of sockets) socket[Symbol.dispose]();
    },
  };
}
