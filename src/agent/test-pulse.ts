// A pulse for the agent's tests, on a real Unix socket: keeps the table that it is told, and owns all that it may.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { readLines, writeLine } from '../pulse/json-lines.ts';
import type { FromPulse, LinkAddress, LinkMember, ToPulse } from '../pulse/link.ts';
import { sampleMember, sampleMembers, sampleOwned } from '../pulse/sample-link.ts';

export interface TestPulse extends AsyncDisposable {
  readonly table: Map<string, LinkAddress>;
  readonly members: readonly LinkMember[];
  /** `replace` of each table that came. */
  readonly announcements: boolean[];
  /** The members that it says are dead. */
  setDead(...names: readonly string[]): void;
  /** Cuts the connections, and keeps what it has. */
  hangUp(): void;
  isStopped: boolean;
}

/** `before`: what it has from an agent that was there before. */
export async function startTestPulse(
  path: string,
  before?: { node: string; addresses: string[] },
): Promise<TestPulse> {
  const table = new Map<string, LinkAddress>();
  const announcements: boolean[] = [];
  const sockets = new Set<Socket>();
  const dead = new Set<string>();
  let node = before?.node;
  let members: readonly LinkMember[] = [];
  for (const address of before?.addresses ?? []) {
    table.set(address, { address, candidates: [{ node: before?.node ?? '', interfaces: [] }] });
  }

  const tell = (message: FromPulse): void => {
    for (const socket of sockets) writeLine(socket, message);
  };
  const membersNow = (): FromPulse =>
    sampleMembers(members.map(({ name }) => sampleMember(name, dead.has(name) ? 'dead' : 'alive')));
  const owned = (): FromPulse => ({
    type: 'owned',
    replace: true,
    upserts: [...table.values()]
      .filter(({ candidates }) => candidates.find((candidate) => !dead.has(candidate.node))?.node === node)
      .map(({ address }) => sampleOwned(address)),
    removals: [],
  });
  const take = (message: ToPulse): void => {
    switch (message.type) {
      case 'configure':
        ({ node, members } = message);
        tell(membersNow());
        return;
      case 'announce':
        announcements.push(message.replace);
        if (message.replace) table.clear();
        for (const entry of message.upserts) table.set(entry.address, entry);
        for (const address of message.removals) table.delete(address);
        tell(owned());
        return;
      case 'bfd':
      case 'bgp-routes':
      case 'drain':
      case 'succeed':
        return;
      case 'stop':
        pulse.isStopped = true;
        tell({ type: 'stopping' });
        return;
      default:
        message satisfies never;
    }
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    writeLine(socket, { type: 'hello', version: '0.0.0', pid: 1, node } satisfies FromPulse);
    writeLine(socket, membersNow());
    writeLine(socket, owned());
    readLines(socket, (message) => take(message as ToPulse));
  });
  server.listen(path);
  await once(server, 'listening');

  const pulse: TestPulse = {
    table,
    get members() {
      return members;
    },
    announcements,
    setDead(...names) {
      dead.clear();
      for (const name of names) dead.add(name);
      tell(membersNow());
      tell(owned());
    },
    hangUp() {
      for (const socket of sockets) socket.destroy();
    },
    isStopped: false,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
  return pulse;
}
