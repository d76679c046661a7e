// Pulses of several nodes in one process, for tests: a network, a clock and responders that are under control.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MockTimers } from 'node:test';
import { defaultAnnouncerConfig } from '../announce/layer2/announcer.ts';
import type { LinkState } from '../announce/layer2/interfaces.ts';
import { type Address, formatAddress, parseAddress } from '../model/address.ts';
import { holdingKey } from '../model/share.ts';
import { silentLog } from '../observe/log.ts';
import { createFakeResponder, type FakeResponder } from './fake-responder.ts';
import type { FromPulse, LinkAddress } from './link.ts';
import { createPulse, type Pulse } from './pulse.ts';
import type { ResponderInterface } from './responder.ts';

export interface TestNode {
  readonly name: string;
  readonly pulse: Pulse;
  readonly responder: FakeResponder;
  /** What the agent has been told. */
  readonly told: FromPulse[];
  /** By key, where packets of connections that it does not know are passed back to. */
  readonly formerOwners: ReadonlyMap<string, string>;
  /** Events of the log, by name. */
  readonly events: string[];
  /** As an agent does on every connection; with the cluster's key unless told otherwise. */
  configure(keyFile?: string): void;
  announce(addresses: readonly LinkAddress[], isPartial?: boolean): void;
  /** Whether it answers a neighbour: one and the same, unless one is told by its MAC. */
  answers(address: string, mac?: Uint8Array): boolean;
  /** Cut off, it neither hears nor is heard. */
  isCut: boolean;
}

export interface TestCluster extends Disposable {
  /** A file that holds the key. */
  readonly keyFile: string;
  readonly directory: string;
  start(name: string): TestNode;
  /** Lets time pass for all, and the event loop have its turns: immediates are real. */
  run(milliseconds: number): Promise<void>;
  /** Who answers for the address now. */
  answering(address: string, mac?: Uint8Array): string[];
}

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
};

/** One that is up, on the subnet 192.0.2.0/24 and with one of IPv6. */
export const testLink = (name: string, last: number): LinkState & ResponderInterface => ({
  name,
  index: last,
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
  running: true,
  loopback: false,
  noArp: false,
  masterIndex: undefined,
  addresses: [
    { address: addressOf(`192.0.2.${last}`), prefixLength: 24 },
    { address: addressOf(`2001:db8:1::${last}`), prefixLength: 64 },
  ],
});

/**
 * Nodes `node1`, `node2` … are at 192.0.2.11 and 2001:db8:1::11, and so on; all of `names` are members.
 * Immediates are not mocked: Node's mock loses other timers when one is made in a timer's callback.
 */
export function createTestCluster(timers: MockTimers, names: readonly string[]): TestCluster {
  timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const directory = mkdtempSync(join(tmpdir(), 'gantry-pulse-'));
  const keyFile = join(directory, 'key');
  writeFileSync(keyFile, 'the key of this cluster');
  let clock = 0;
  const nodes: TestNode[] = [];
  const lastOf = (name: string): number => 10 + Number(name.replace('node', ''));
  const addressesOf = (name: string): string[] => [`192.0.2.${lastOf(name)}`, `2001:db8:1::${lastOf(name)}`];

  /** In the next turn of the event loop, as from a socket. */
  const deliver = (from: TestNode | undefined, message: Uint8Array, to: Address): void => {
    if (from?.isCut !== false) return;
    const source = addressesOf(from.name)[to.family === 'IPv4' ? 0 : 1] ?? '';
    setImmediate(() => {
      for (const node of nodes) {
        if (node.isCut || !addressesOf(node.name).includes(formatAddress(to))) continue;
        node.pulse.heartbeatReceived(message, source);
      }
    });
  };

  return {
    keyFile,
    directory,
    start(name) {
      const told: FromPulse[] = [];
      const events: string[] = [];
      const formerOwners = new Map<string, string>();
      const responder = createFakeResponder(() => clock);
      const note = (event: string): void => void events.push(event);
      const pulse = createPulse({
        version: 'test',
        rules: { twoNodes: 'availability', failback: 'at-once' },
        openHelloSocket: () => undefined,
        formerOwners: {
          passBack(entries) {
            for (const { address, share, node: former } of entries)
              formerOwners.set(holdingKey(formatAddress(address), share), formatAddress(former));
          },
          stop(keys) {
            for (const key of keys) formerOwners.delete(key);
          },
          leaveBehind() {},
          [Symbol.dispose]() {},
        },
        memory: { recall: () => undefined, keep() {} },
        announcer: defaultAnnouncerConfig,
        excludedInterfaces: [],
        log: { ...silentLog, info: note, warn: note, error: note },
        session: { send: (message, to) => deliver(node, message, to) },
        responder,
        now: () => clock,
        tell: (message) => told.push(message),
      });
      const members = names.map((member) => ({ name: member, addresses: addressesOf(member) }));
      const node: TestNode = {
        name,
        pulse,
        responder,
        told,
        events,
        formerOwners,
        isCut: false,
        configure: (file = keyFile) =>
          pulse.handle({ type: 'configure', node: name, members, keyFile: file }),
        announce: (upserts, isPartial = false) =>
          pulse.handle({ type: 'announce', replace: true, upserts, removals: [], isPartial }),
        answers: (address, mac) => responder.ask('eth0', addressOf(address), mac) !== undefined,
      };
      nodes.push(node);
      pulse.linksChanged([testLink('eth0', lastOf(name))]);
      return node;
    },
    async run(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed += 10) {
        clock += 10;
        timers.tick(10);
        // A question, its answer, and what follows from it.
        for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    answering: (address, mac) => nodes.filter((node) => node.answers(address, mac)).map(({ name }) => name),
    [Symbol.dispose]() {
      for (const { pulse } of nodes) pulse[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
