// The demo's clients: a probe of both families and protocols, and a stream, run inside a host.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Host } from '../host.ts';
import type { ProbeReport, ProbeTarget } from '../probe.ts';
import { gantryCommand } from '../program.ts';
import type { StreamReport } from '../stream.ts';

export interface Probing {
  /** Ends the probe and tells what it saw, a report a target in the given order. */
  finish(): Promise<readonly ProbeReport[]>;
}

/** `tcp:192.0.2.200:80`, `udp:[2001:db8::1]:53`; `flow` is UDP from one socket all the time. */
export const targetText = (protocol: ProbeTarget['protocol'], address: string, port: number): string =>
  `${protocol}:${address.includes(':') ? `[${address}]` : address}:${port}`;

/** Asks each target anew every few milliseconds, for two minutes at most. */
export function startProbing(client: Host, targets: readonly string[], intervalMilliseconds = 5): Probing {
  const child = client.spawn(
    gantryCommand(
      ...['lab', 'probe', ...targets],
      ...['--interval', String(intervalMilliseconds), '--duration', '120000'],
    ),
    {
      pipe: true,
      log: 'probe',
    },
  );
  const output = textOf(child);
  return {
    async finish() {
      child.kill('SIGTERM');
      return JSON.parse(await output) as ProbeReport[];
    },
  };
}

export async function stream(
  client: Host,
  address: string,
  port: number,
  durationMilliseconds: number,
): Promise<StreamReport> {
  const child = client.spawn(
    gantryCommand('lab', 'stream', address, String(port), String(durationMilliseconds)),
    {
      pipe: true,
      log: 'stream',
    },
  );
  return JSON.parse(await textOf(child)) as StreamReport;
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return text;
}
