// A long stream through the network: every byte sent must come back, in order; tells how long it ever stalled.

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { steadyMilliseconds } from './probe.ts';

export interface StreamReport {
  readonly ok: boolean;
  readonly bytes: number;
  readonly longestStallMilliseconds: number;
  /** Why it ended before its time. */
  readonly error: string | undefined;
}

const chunkBytes = 8192;
const chunkMilliseconds = 5;

/** Streams to an echo port for so long, about 1.6 MB a second, then compares the checksums of both directions. */
export function runStream(
  address: string,
  port: number,
  durationMilliseconds: number,
): Promise<StreamReport> {
  return new Promise((resolve) => {
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    let [sentBytes, receivedBytes, longest, last] = [0, 0, 0, steadyMilliseconds()];
    let chunk = 0;
    let isOver = false;
    const socket = connect({ host: address, port, noDelay: true });
    const finish = (error: string | undefined): void => {
      clearInterval(pump);
      clearTimeout(patience);
      socket.destroy();
      const same = sent.digest('hex') === received.digest('hex') && sentBytes > 0;
      const longestStallMilliseconds = Math.round(longest);
      resolve({ ok: same && error === undefined, bytes: receivedBytes, longestStallMilliseconds, error });
    };
    const pump = setInterval(() => {
      if (isOver || socket.connecting || socket.writableLength > 1 << 20) return;
      const data = Buffer.alloc(chunkBytes, (chunk++ * 31 + 7) & 0xff);
      sent.update(data);
      sentBytes += data.length;
      socket.write(data);
    }, chunkMilliseconds);
    const patience = setTimeout(() => finish('the echo did not end in time'), durationMilliseconds + 20_000);
    setTimeout(() => {
      isOver = true;
      socket.end();
    }, durationMilliseconds);
    socket.on('data', (data) => {
      const now = steadyMilliseconds();
      longest = Math.max(longest, now - last);
      last = now;
      received.update(data);
      receivedBytes += data.length;
    });
    socket.on('end', () => finish(undefined));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code));
  });
}
