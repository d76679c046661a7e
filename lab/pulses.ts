// Pulses alone in the lab, with this process as the agent of each: for tests of layer 2 and membership.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPulse, pulseSocketPath } from '../src/pulse/client.ts';
import type { FromPulse, LinkAddress, LinkMemberState, LinkOwned } from '../src/pulse/link.ts';
import type { Lab } from './lab.ts';
import { gantryCommand } from './program.ts';
import type { TopologyNode } from './topology.ts';

export interface LabPulse extends Disposable {
  readonly node: TopologyNode;
  /** What it says that it answers for, by address. */
  readonly owned: ReadonlyMap<string, LinkOwned>;
  readonly members: readonly LinkMemberState[];
  /** All messages so far. */
  readonly messages: readonly FromPulse[];
  readonly process: ChildProcess;
  /** The table: replaces what it had. */
  announce(addresses: readonly LinkAddress[]): void;
  stop(): void;
  /** Ends this process's connection, as an agent's death does. */
  hangUp(): void;
}

/** Starts a pulse on the node and configures it with all nodes as members. */
export function startPulse(
  lab: Lab,
  node: TopologyNode,
  members: readonly TopologyNode[],
  args: readonly string[] = [],
): LabPulse {
  const keyFile = join(lab.directory, 'membership.key');
  writeFileSync(keyFile, 'a key of the lab');
  const runDirectory = join(lab.directory, `run-${node.name}`);
  const process = node.host.spawn(gantryCommand('pulse', '--run-dir', runDirectory, ...args), {
    log: `${node.name}-pulse`,
  });
  const owned = new Map<string, LinkOwned>();
  const messages: FromPulse[] = [];
  let table: readonly LinkAddress[] = [];
  const announce = (): void => client.send({ type: 'announce', replace: true, upserts: table, removals: [] });
  const pulse = { members: [] as readonly LinkMemberState[] };
  const client = connectPulse(pulseSocketPath(runDirectory), {
    connected() {
      const linkMembers = members.map(({ name, addresses }) => ({ name, addresses: [...addresses] }));
      client.send({ type: 'configure', node: node.name, members: linkMembers, keyFile });
      announce();
    },
    message(message) {
      messages.push(message);
      if (message.type === 'members') pulse.members = message.members;
      if (message.type !== 'owned') return;
      if (message.replace) owned.clear();
      for (const address of message.removals) owned.delete(address);
      for (const one of message.upserts) owned.set(one.address, one);
    },
    disconnected: () => owned.clear(),
  });
  return {
    node,
    owned,
    messages,
    process,
    get members() {
      return pulse.members;
    },
    announce(addresses) {
      table = addresses;
      announce();
    },
    stop: () => client.send({ type: 'stop' }),
    hangUp: () => client[Symbol.dispose](),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** A table entry whose candidates may use all interfaces, or those named. */
export const linkAddress = (
  address: string,
  candidates: readonly string[],
  interfaces: readonly string[] = [],
): LinkAddress => ({ address, candidates: candidates.map((node) => ({ node, interfaces })) });
