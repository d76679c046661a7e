// A process in a host of the lab that answers who it is, and asks others as told: one JSON object a line.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { runResponder } from '../../lab/responder.ts';
import type { AskOptions, PeerRequest } from './forwarding-scene.ts';

/** What was kept open, by the name it was given. */
const tcp = new Map<string, Socket>();
const udp = new Map<string, UdpSocket>();

const [name = '', port = '8080'] = process.argv.slice(2);
void runResponder({ name, port: Number(port), echoPort: Number(port) + 1 }, new AbortController().signal);

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, ask } = JSON.parse(line) as PeerRequest;
  const tell = (answer: string): void => void process.stdout.write(`${JSON.stringify({ id, answer })}\n`);
  (ask.protocol === 'tcp' ? askTcp(ask) : askUdp(ask)).then(tell, (error: unknown) => tell(`! ${error}`));
});

function askTcp({ address, port, keep, milliseconds }: AskOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const kept = keep === undefined ? undefined : tcp.get(keep);
    const socket = kept ?? connect({ host: address, port, noDelay: true });
    if (keep !== undefined) tcp.set(keep, socket);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      if (keep === undefined) socket.resetAndDestroy();
      outcome();
    };
    const timer = setTimeout(() => settle(() => reject('timeout')), milliseconds);
    socket.on('data', (data: Buffer) => settle(() => resolve(data.toString().trim())));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(() => reject(error.code)));
    socket.on('close', () => settle(() => reject('closed')));
    if (kept === undefined) socket.on('connect', () => socket.write('who\n'));
    else socket.write('who\n');
  });
}

function askUdp({ address, port, keep, milliseconds }: AskOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const kept = keep === undefined ? undefined : udp.get(keep);
    const socket = kept ?? createSocket(address.includes(':') ? 'udp6' : 'udp4');
    if (keep !== undefined) udp.set(keep, socket);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      if (keep === undefined) socket.close();
      outcome();
    };
    const timer = setTimeout(() => settle(() => reject('timeout')), milliseconds);
    socket.on('message', (data) => settle(() => resolve(data.toString())));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(() => reject(error.code)));
    if (kept === undefined) {
      // Connected, so that a port unreachable is heard of.
      socket.on('connect', () => socket.send('who'));
      socket.connect(port, address);
    } else socket.send('who');
  });
}
