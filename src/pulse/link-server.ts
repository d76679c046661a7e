// Pulse's side of its socket: agents and people's commands connect, hear everything, and may say what is to be done.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { readLines, writeLine } from './json-lines.ts';
import type { FromPulse, ToPulse } from './link.ts';

export interface LinkServer extends AsyncDisposable {
  broadcast(message: FromPulse): void;
  readonly connections: number;
}

export interface LinkServerOptions {
  readonly path: string;
  /** What a new connection hears first. */
  readonly greeting: () => readonly FromPulse[];
  readonly onMessage: (message: ToPulse) => void;
  readonly onDisconnect: () => void;
}

/** A listener that falls so far behind is cut off: it reconnects and hears everything anew. */
const longestBacklogBytes = 64 << 20;

/** Rejects when another pulse answers on the path; a socket that nobody answers on is replaced. */
export async function openLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { path } = options;
  mkdirSync(dirname(path), { recursive: true });
  if (await answers(path))
    throw new Error(`another pulse answers on ${path}: stop it first, or choose another --run-dir`);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      options.onDisconnect();
    });
    for (const message of options.greeting()) writeLine(socket, message);
    // Only this user (and root) can connect: messages are trusted to be of the link's types.
    readLines(socket, (message) => options.onMessage(message as ToPulse));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    get connections() {
      return sockets.size;
    },
    broadcast(message) {
      for (const socket of sockets) {
        if (socket.writableLength > longestBacklogBytes) socket.destroy();
        else writeLine(socket, message);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
