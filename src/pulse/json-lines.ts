// JSON objects a line over a stream: written whole, read as they complete.
import type { Socket } from 'node:net';

/** A table of 10,000 addresses with 64 candidates each fits. */
const longestLineBytes = 64 << 20;

export const writeLine = (socket: Socket, message: object): boolean =>
  socket.write(`${JSON.stringify(message)}\n`);

/**
 * Calls back with each line's object. A line that is no JSON object, or longer than any of ours, ends the connection
 * with an error: whoever speaks so is not our peer.
 */
export function readLines(socket: Socket, onMessage: (message: object) => void): void {
  let parts: Buffer[] = [];
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line =
        parts.length === 0 ? rest.subarray(0, end) : Buffer.concat([...parts, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      parts = [];
      length = 0;
      const message = parseObject(line);
      if (message === undefined) {
        socket.destroy(new Error('a line on the pulse socket is not a JSON object'));
        return;
      }
      onMessage(message);
      if (socket.destroyed) return;
    }
    if (rest.length === 0) return;
    length += rest.length;
    parts.push(rest);
    if (length > longestLineBytes) socket.destroy(new Error('a line on the pulse socket is too long'));
  });
}

function parseObject(line: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
