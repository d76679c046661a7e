// What runs in a client of the lab to time a first answer: knocks at one address after another until each answers.

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { steadyMilliseconds } from './probe.ts';

export interface FirstAnswer {
  readonly address: string;
  /** Milliseconds of the machine's steady clock. */
  readonly at: number;
}

const knockMilliseconds = 2;

/**
 * Reads `ADDRESS PORT` a line from stdin, and writes a FirstAnswer as JSON a line when the port there accepts a TCP
 * connection. Ends with stdin.
 */
export async function runFirstAnswers(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [address = '', port = ''] = line.split(' ');
    const at = await knock(address, Number(port));
    process.stdout.write(`${JSON.stringify({ address, at } satisfies FirstAnswer)}\n`);
  }
}

/** A new attempt every 2 ms, each given up after 200 ms; resolves with the time of the first that succeeds. */
function knock(host: string, port: number): Promise<number> {
  return new Promise((resolve) => {
    let isOver = false;
    const attempt = (): void => {
      const socket = connect({ host, port });
      const end = setTimeout(() => socket.destroy(), 200);
      socket.on('connect', () => {
        const at = steadyMilliseconds();
        socket.resetAndDestroy();
        if (isOver) return;
        isOver = true;
        clearInterval(timer);
        resolve(at);
      });
      socket.on('close', () => clearTimeout(end));
      socket.on('error', () => {});
    };
    const timer = setInterval(attempt, knockMilliseconds);
    attempt();
  });
}
