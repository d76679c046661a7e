// Many pulses in one process, for the bench of a large cluster: real sockets and a real clock, responders in memory. It
// is run inside a host of the lab, with a file of what they are, and answers each line of its input with one of JSON.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { steadyMilliseconds } from '../lab/probe.ts';
import { defaultAnnouncerConfig } from '../src/announce/layer2/announcer.ts';
import { defaultHeartbeatPort, openHeartbeatSession } from '../src/announce/membership/session.ts';
import { bootTimeMilliseconds } from '../src/linux/libc.ts';
import { type Address, parseAddress } from '../src/model/address.ts';
import { silentLog } from '../src/observe/log.ts';
import { createFakeResponder } from '../src/pulse/fake-responder.ts';
import type { LinkAddress, LinkMember } from '../src/pulse/link.ts';
import { createPulse, type Pulse } from '../src/pulse/pulse.ts';

export interface FleetOptions {
  /** Those of the fleet, of all `members`. */
  readonly names: readonly string[];
  readonly members: readonly LinkMember[];
  readonly keyFile: string;
  readonly table: readonly LinkAddress[];
}

/** The answer to `announce FROM TO`, which tells all of these addresses of the table, to `count`, and to `kill NAME`: then what the dead one had, and when it died. */
export interface FleetAnswer {
  readonly addresses: number;
  /** When the last of them came: `steadyMilliseconds`. */
  readonly at: number;
}

interface FleetMember {
  readonly name: string;
  /** The addresses that it has, and when each came. */
  readonly owned: ReadonlyMap<string, number>;
  /** It knows of these of the table from now on. */
  announce(from: number, to: number): void;
  /** As a power failure: it says nothing more, and hears nothing. */
  kill(): void;
}

const [, , file = ''] = process.argv;
const options = JSON.parse(readFileSync(file, 'utf8')) as FleetOptions;
const fleet = new Map<string, FleetMember>();
for (const name of options.names) fleet.set(name, await startMember(name, options));
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(answer(line))}\n`);
process.exit(0);

function answer(line: string): FleetAnswer {
  const [command, name = '', to = ''] = line.split(' ');
  const member = fleet.get(name);
  if (command === 'kill' && member !== undefined) {
    const addresses = member.owned.size;
    const at = steadyMilliseconds();
    member.kill();
    fleet.delete(name);
    return { addresses, at };
  }
  if (command === 'announce') for (const each of fleet.values()) each.announce(Number(name), Number(to));
  const times = [...fleet.values()].flatMap(({ owned }) => [...owned.values()]);
  return { addresses: times.length, at: times.reduce((a, b) => Math.max(a, b), 0) };
}

async function startMember(name: string, { members, keyFile, table }: FleetOptions): Promise<FleetMember> {
  const owned = new Map<string, number>();
  const address = addressOf(members, name);
  let pulse: Pulse | undefined;
  const session = await openHeartbeatSession(
    defaultHeartbeatPort,
    (bytes, from) => pulse?.heartbeatReceived(bytes, from),
    address,
  );
  pulse = createPulse({
    version: 'bench',
    rules: { twoNodes: 'safety', failback: 'at-once' },
    announcer: defaultAnnouncerConfig,
    excludedInterfaces: [],
    log: silentLog,
    session,
    responder: createFakeResponder(bootTimeMilliseconds),
    openHelloSocket: () => undefined,
    formerOwners: { passBack() {}, stop() {}, leaveBehind() {}, [Symbol.dispose]() {} },
    memory: { recall: () => undefined, keep() {} },
    now: bootTimeMilliseconds,
    tell(message) {
      if (message.type !== 'owned') return;
      if (message.replace) owned.clear();
      for (const key of message.removals) owned.delete(key);
      for (const one of message.upserts) owned.set(one.address, steadyMilliseconds());
    },
  });
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const subnet = { address, prefixLength: 24 };
  pulse.linksChanged([
    {
      name: 'eth0',
      index: 1,
      mac,
      running: true,
      loopback: false,
      noArp: false,
      masterIndex: undefined,
      addresses: [subnet],
    },
  ]);
  pulse.handle({ type: 'configure', node: name, members, keyFile });
  return {
    name,
    owned,
    announce(from, to) {
      // What it may come to have, so that one machine can play them all: that the first five candidates of one of 10,000
      // addresses are the very five of 64 nodes that die happens once in 800 times.
      const upserts = table
        .slice(from, to)
        .filter(({ candidates }) => candidates.slice(0, 5).some(({ node }) => node === name));
      pulse.handle({ type: 'announce', replace: from === 0, upserts, removals: [] });
    },
    kill() {
      pulse[Symbol.dispose]();
      session[Symbol.dispose]();
      owned.clear();
    },
  };
}

function addressOf(members: readonly LinkMember[], name: string): Address {
  const [text = ''] = members.find((one) => one.name === name)?.addresses ?? [];
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${name} has no address`);
  return address;
}
