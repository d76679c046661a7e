// What runs in a client of the lab to time a first answer: knocks at one address after another until each answers.

import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { steadyMilliseconds } from './probe.ts';

export interface FirstAnswer {
  readonly address: string;
  /** Milliseconds of the machine's steady clock. */
  readonly at: number;
}

const knockMilliseconds = 2;

/**
 * Reads `ADDRESS PORT` a line from stdin, and writes a FirstAnswer as JSON a line when the UDP port there answers. Ends with
 * stdin.
 */
export async function runFirstAnswers(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [address = '', port = ''] = line.split(' ');
    const at = await knock(address, Number(port));
    process.stdout.write(`${JSON.stringify({ address, at } satisfies FirstAnswer)}\n`);
  }
}

/**
 * A datagram every 2 ms, until one is answered: resolves with the time of that. Connections would take a good part of a
 * core, from those whose work is measured.
 */
function knock(host: string, port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const timer = setInterval(() => socket.send('knock', port, host), knockMilliseconds);
    // The network is not always reachable yet.
    socket.on('error', () => {});
    socket.once('message', () => {
      const at = steadyMilliseconds();
      clearInterval(timer);
      socket.close();
      resolve(at);
    });
  });
}
