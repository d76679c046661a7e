// A large cluster: 64 members and 10,000 addresses. What the pulse of a node costs that watches all others, and how long
// the takeover of one node's share takes. One pulse is a process of its own; the others share one, over real sockets.
// --quick: shorter.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import { gantryCommand } from '../lab/program.ts';
import { rendezvousScore } from '../src/announce/rendezvous.ts';
import { connectPulse, pulseSocketPath } from '../src/pulse/client.ts';
import type { LinkAddress, LinkMember } from '../src/pulse/link.ts';
import type { FleetAnswer, FleetOptions } from './fleet.ts';
import { benchInsideLab } from './inside-lab.ts';
import { cpuSeconds } from './process.ts';
import { maximum, median, report } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    members: { type: 'string', default: '64' },
    addresses: { type: 'string', default: '10000' },
  },
});
const memberCount = Number(values.members);
const addressCount = Number(values.addresses);
const quietSeconds = values.quick ? 10 : 60;
const deaths = values.quick ? 2 : 5;
/** The process that plays all others would be late if it had to elect for all at once. */
const addressesAtOnce = 500;

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const lan = lab.segment('lan');
  // The first by name is one of those that watch all others.
  const members = Array.from(
    { length: memberCount },
    (_, index): LinkMember => ({
      name: `node-${String(index).padStart(3, '0')}`,
      addresses: [`198.18.0.${index + 1}`],
    }),
  );
  const [watcher, ...others] = members;
  if (watcher === undefined) throw new Error('there are no members');
  const one = lab.host('one');
  lab.connect(one, 'eth0', lan, [`${watcher.addresses[0]}/24`]);
  const rest = lab.host('rest');
  lab.connect(
    rest,
    'eth0',
    lan,
    others.map(({ addresses }) => `${addresses[0]}/24`),
  );

  const table = tableOf(members.map(({ name }) => name));
  const keyFile = join(lab.directory, 'key');
  writeFileSync(keyFile, 'the key of the bench');
  const runDirectory = join(lab.directory, 'run');
  const process = one.spawn(gantryCommand('pulse', '--run-dir', runDirectory, '--failback', 'at-once'));
  const owned = new Map<string, number>();
  let heard = 0;
  using agent = connectPulse(pulseSocketPath(runDirectory), {
    connected() {
      agent.send({ type: 'configure', node: watcher.name, members, keyFile });
    },
    message(message) {
      if (message.type === 'members') heard = message.members.filter(({ state }) => state === 'alive').length;
      if (message.type !== 'owned') return;
      for (const key of message.removals) owned.delete(key);
      for (const { address } of message.upserts) owned.set(address, steadyMilliseconds());
    },
    disconnected() {},
  });
  const fleetFile = join(lab.directory, 'fleet.json');
  const names = others.map(({ name }) => name);
  writeFileSync(fleetFile, JSON.stringify({ names, members, keyFile, table } satisfies FleetOptions));
  const ask = startFleet(rest, fleetFile);
  /** Asks seldom, since counting keeps the others' process busy. */
  const allOwned = async (count: number): Promise<void> => {
    for (let tries = 0; owned.size + (await ask('count')).addresses !== count; tries++) {
      if (tries > 150) throw new Error(`not all ${count} addresses are owned after ${tries * 0.2} s`);
      await sleep(200);
    }
  };
  // A cluster that is there already: nobody takes everything because it was the first.
  await until('all are heard', () => heard === memberCount, 60_000);
  for (let from = 0; from < addressCount; from += addressesAtOnce) {
    const to = Math.min(addressCount, from + addressesAtOnce);
    agent.send({ type: 'announce', replace: from === 0, upserts: table.slice(from, to), removals: [] });
    await ask(`announce ${from} ${to}`);
    await allOwned(to);
    globalThis.process.stderr.write(`${to} of ${addressCount} addresses are owned\n`);
  }
  // Until each is where it is wanted, and the compiler has seen it all.
  await sleep(20_000);

  const before = {
    cpu: cpuSeconds(process.pid),
    bytes: interfaceBytes(one.exec(['cat', '/proc/net/dev']).stdout),
  };
  await sleep(quietSeconds * 1000);
  const after = {
    cpu: cpuSeconds(process.pid),
    bytes: interfaceBytes(one.exec(['cat', '/proc/net/dev']).stdout),
  };

  const takeovers: number[] = [];
  for (let death = 0; death < deaths; death++) {
    const { addresses, at } = await ask(`kill ${names[names.length - 1 - death]}`);
    await allOwned(addressCount);
    const took = Math.max((await ask('count')).at, ...owned.values()) - at;
    takeovers.push(took);
    globalThis.process.stderr.write(
      `takeover ${death + 1} of ${deaths}: ${addresses} addresses in ${took.toFixed(0)} ms\n`,
    );
    await sleep(2000);
  }
  const name = `${memberCount} members, ${addressCount} addresses:`;
  report('members', [
    {
      name: `${name} CPU of the pulse of a node that watches all`,
      value: ((after.cpu - before.cpu) / quietSeconds) * 100,
      unit: '% of a core',
      bound: 5,
    },
    {
      name: `${name} sent and received by it`,
      value: (after.bytes - before.bytes) / quietSeconds / 1000,
      unit: 'kB/s',
      bound: 100,
    },
    {
      name: `${name} takeover of one member's addresses, maximum of ${takeovers.length}`,
      value: maximum(takeovers),
      unit: 'ms',
      bound: 500,
    },
    { name: `${name} takeover of one member's addresses, median`, value: median(takeovers), unit: 'ms' },
  ]);
});

/** The other members, in a process of their own; returns what asks it. */
function startFleet(host: Host, file: string): (line: string) => Promise<FleetAnswer> {
  const child = host.spawn([globalThis.process.execPath, join(import.meta.dirname, 'fleet.ts'), file], {
    pipe: true,
    log: 'fleet',
  });
  if (child.stdin === null || child.stdout === null) throw new Error('the fleet has no pipes');
  const { stdin } = child;
  const waiting: ((answer: FleetAnswer) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.(JSON.parse(line) as FleetAnswer),
  );
  return (line) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      stdin.write(`${line}\n`);
    });
}

/** Addresses of 203.0.113.0/24 and 2001:db8::/32, each with all nodes in their order. */
function tableOf(nodes: readonly string[]): LinkAddress[] {
  const candidates = nodes.map((node) => ({ node, interfaces: ['eth0'] }));
  return Array.from({ length: addressCount }, (_, index) => {
    const address = index < 250 ? `203.0.113.${index + 1}` : `2001:db8:9::${index.toString(16)}`;
    const scores = new Map(nodes.map((node) => [node, rendezvousScore(node, address)]));
    const score = (node: string): bigint => scores.get(node) ?? 0n;
    const ranked = candidates.toSorted((a, b) => (score(a.node) > score(b.node) ? -1 : 1));
    return { address, candidates: ranked };
  });
}

/** Received and sent on eth0. */
function interfaceBytes(text: string): number {
  const fields = /eth0:\s*(.*)/.exec(text)?.[1]?.split(/\s+/).map(Number) ?? [];
  return (fields[0] ?? Number.NaN) + (fields[8] ?? Number.NaN);
}
