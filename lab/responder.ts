// What runs in a pod of the lab: tells who it is and whom it sees, by TCP and UDP, and echoes streams.
import { createSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';

export interface ResponderOptions {
  readonly name: string;
  /** Answers each line, or each datagram, with `NAME CLIENT TEXT`; both families, TCP and UDP. */
  readonly port: number;
  /** Sends back every byte. */
  readonly echoPort: number;
}

/** Runs until the signal aborts. Writes `ready` to stdout once it listens everywhere. */
export async function runResponder(
  { name, port, echoPort }: ResponderOptions,
  signal: AbortSignal,
): Promise<void> {
  const who = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) socket.write(`${name} ${plain(socket.remoteAddress)} ${line}\n`);
    });
  });
  const echo = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  const sockets = new Set<Socket>();
  for (const server of [who, echo]) {
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
  }
  const datagrams = (['udp4', 'udp6'] as const).map((type) => {
    const socket = type === 'udp4' ? createSocket(type) : createSocket({ type, ipv6Only: true });
    socket.on('message', (message, from) =>
      socket.send(`${name} ${from.address} ${message}`, from.port, from.address),
    );
    return socket;
  });
  await Promise.all([
    listening(who, port),
    listening(echo, echoPort),
    ...datagrams.map((socket) => new Promise<void>((resolve) => socket.bind(port, resolve))),
  ]);
  process.stdout.write('ready\n');
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const server of [who, echo]) server.close();
  for (const socket of [...sockets]) socket.destroy();
  for (const socket of datagrams) socket.close();
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '::', resolve);
  });

/** An IPv4 client of a dual-stack socket, as itself. */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');
