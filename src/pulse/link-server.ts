// Pulse's side of its socket: agents and people's commands connect, hear everything, and may say what is to be done.
import { mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { readLines, writeLine } from './json-lines.ts';
import type { BgpRoutes, FromPulse, ToPulse } from './link.ts';
import { readToPulse } from './link-message.ts';

export interface LinkServer extends AsyncDisposable {
  broadcast(message: FromPulse): void;
  /** Nobody can connect any more, and the path is free; who has connected is still heard. */
  close(): void;
  readonly connections: number;
}

export interface LinkServerOptions {
  readonly path: string;
  /** What a new connection hears first. */
  readonly greeting: () => readonly FromPulse[];
  /** `reply` is to the one who said it. */
  readonly onMessage: (message: Exclude<ToPulse, BgpRoutes>, reply: (message: FromPulse) => void) => void;
  /** What was said is none of the link's messages; it is ignored. */
  readonly onUnknown: () => void;
  /** `agents`: how many of those that have configured this pulse still listen. */
  readonly onDisconnect: (agents: number) => void;
}

/** A listener that falls so far behind is cut off: it reconnects and hears everything anew. */
const longestBacklogBytes = 64 << 20;

/** A listener that does not hang up by then, because it is frozen, keeps nobody from ending. */
const farewellMilliseconds = 500;

/** Rejects when another pulse answers on the path; a socket that nobody answers on is replaced. */
export async function openLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { path } = options;
  mkdirSync(dirname(path), { recursive: true });
  await refuseTaken(path);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const agents = new Set<Socket>();
  let routes: BgpRoutes | undefined;
  const broadcast = (message: FromPulse): void => {
    for (const socket of sockets) {
      if (socket.writableLength > longestBacklogBytes) socket.destroy();
      else writeLine(socket, message);
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (agents.delete(socket) && agents.size === 0) routes = undefined;
      options.onDisconnect(agents.size);
    });
    for (const message of [...(routes === undefined ? [] : [routes]), ...options.greeting()])
      writeLine(socket, message);
    readLines(socket, (line) => {
      const message = readToPulse(line);
      if (message?.type === 'configure') agents.add(socket);
      if (message === undefined) options.onUnknown();
      else if (message.type === 'bgp-routes') {
        routes = message;
        broadcast(message);
      } else options.onMessage(message, (answer) => writeLine(socket, answer));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // From its first moment the socket is for this user (and root) alone.
    const mask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(mask);
  });
  return {
    get connections() {
      return sockets.size;
    },
    broadcast,
    close: () => void server.close(),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.end();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, farewellMilliseconds);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Rejects when another pulse answers on the path. */
export async function refuseTaken(path: string): Promise<void> {
  if (!(await answers(path))) return;
  const next = 'stop it first, take its place with --replace, or choose another --run-dir';
  throw new Error(`another pulse answers on ${path}: ${next}`);
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
