// 100,000 host routes told to FRR and to BIRD, with shared and with distinct attributes: from the session's start to the full
// table at the receiver, then until it is empty again. In each round beside it: the very same bytes, ready-made, from a plain
// socket; BIRD and GoBGP. Wall time is between what the receiver says of itself, asked every two milliseconds: no
// session for the last time, all routes, none. Our CPU is all that the process uses from before the first route is made, when its modules are loaded, to
// when the kernel has End-of-RIB: making the routes, encoding, sending, and the compiler. --rounds N (7); --quick: 10,000
// routes, two rounds.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Host } from '../lab/host.ts';
import { createLab, type Lab } from '../lab/lab.ts';
import { type Receiver, type ReceiverOptions, startBirdReceiver, startFrrReceiver } from './bgp-receivers.ts';
import {
  type Kind,
  recordSession,
  type Sender,
  type SendersOptions,
  startBirdSender,
  startGobgpSender,
  startOwnSender,
  startReplay,
} from './bgp-senders.ts';
import { benchInsideLab } from './inside-lab.ts';
import { type Figure, median, report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const routes = values.quick ? 10_000 : 100_000;
const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
const cpuBounds: Readonly<Record<Kind, number>> = { shared: 200, distinct: 1500 };
const own = { address: '192.0.2.11', asn: 64500 };

/** In milliseconds. */
interface Times {
  readonly fill: number;
  readonly cpu: number;
  readonly empty: number | undefined;
}

await benchInsideLab(import.meta.filename, async () => {
  const figures: Figure[] = [];
  for (const start of [startFrrReceiver, startBirdReceiver])
    for (const kind of ['shared', 'distinct'] as const) figures.push(...(await compare(start, kind)));
  report('bgp-routes', figures);
});

async function compare(
  start: (options: ReceiverOptions) => Promise<Receiver>,
  kind: Kind,
): Promise<Figure[]> {
  await using lab = await createLab();
  const { host, router } = network(lab);
  const asn = 64501;
  const receiver = await start({ lab, host: router, asn, sender: own });
  const peer = { name: receiver.name, address: '192.0.2.254', asn };
  const options: SendersOptions = { lab, host, routes, kind, own, peer };
  const file = join(lab.directory, 'said');
  await recordSession(options, file, (count) => reach(receiver, count));
  await gone(receiver);
  const starts: ((options: SendersOptions) => Promise<Sender>)[] = [
    startOwnSender,
    (all) => startReplay(all, file),
    startBirdSender,
    startGobgpSender,
  ];
  const found = new Map<string, Times[]>();
  for (let round = 1; round <= rounds; round++)
    for (const startSender of starts) {
      const sender = await startSender(options);
      const times = await measure(sender, receiver);
      found.set(sender.name, [...(found.get(sender.name) ?? []), times]);
      process.stderr.write(
        `${receiver.name}, ${kind}, round ${round} of ${rounds}: ${sender.name}: ${JSON.stringify(times)}\n`,
      );
    }
  return figuresOf(receiver.name, kind, found);
}

function network(lab: Lab): { readonly host: Host; readonly router: Host } {
  const lan = lab.segment('lan');
  const [host, router] = [lab.host('node1'), lab.host('router')];
  lab.connect(host, 'eth0', lan, [`${own.address}/24`]);
  lab.connect(router, 'eth0', lan, ['192.0.2.254/24']);
  return { host, router };
}

async function measure(sender: Sender, receiver: Receiver): Promise<Times> {
  await sleep(500);
  sender.announce();
  const began = await lastWithout(receiver);
  const full = await reach(receiver, routes);
  await sleep(300);
  const cpu = await sender.cpuMilliseconds();
  let empty: number | undefined;
  if (sender.withdraw !== undefined) {
    const asked = performance.now();
    sender.withdraw();
    empty = (await reach(receiver, 0)) - asked;
  }
  sender.end();
  await gone(receiver);
  return { fill: full - began, cpu, empty };
}

/**
 * Resolves once there is a session, with when the receiver said last that there is none: in its first words of the session it
 * may have all routes already.
 */
async function lastWithout(receiver: Receiver): Promise<number> {
  let last = performance.now();
  while ((await receiver.count()) === undefined) {
    last = performance.now();
    await sleep(2);
  }
  return last;
}

/** Resolves with when the receiver said first that it has so many. */
async function reach(receiver: Receiver, wanted: number): Promise<number> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const count = await receiver.count();
    if (count === wanted) return performance.now();
    if (performance.now() > deadline) throw new Error(`${receiver.name} has ${count} routes, not ${wanted}`);
    await sleep(2);
  }
}

async function gone(receiver: Receiver): Promise<void> {
  while ((await receiver.count()) !== undefined) await sleep(20);
}

function figuresOf(to: string, kind: Kind, found: ReadonlyMap<string, readonly Times[]>): Figure[] {
  const [[, ours] = ['', []], ...others] = found;
  const middle = (times: readonly Times[], pick: (one: Times) => number | undefined): number =>
    median(times.flatMap((one) => pick(one) ?? []));
  const what = `${routes} routes to ${to}, ${kind} attributes`;
  const figure = (name: string, pick: (one: Times) => number | undefined, bound?: number): Figure => ({
    name: `${what}: ${name}, median of ${rounds}`,
    value: middle(ours, pick),
    unit: 'ms',
    ...(bound === undefined ? {} : { bound }),
    peers: others
      .map(([peer, times]) => ({ name: peer, value: middle(times, pick) }))
      .filter(({ value }) => !Number.isNaN(value)),
  });
  const replay = others[0]?.[1] ?? [];
  const ratio = (name: string, pick: (one: Times) => number | undefined): Figure => ({
    name: `${what}: ${name} against the same bytes ready-made`,
    value: middle(ours, pick) / middle(replay, pick),
    unit: 'times',
    bound: 1.1,
  });
  return [
    figure('until the table is full', ({ fill }) => fill),
    ratio('that', ({ fill }) => fill),
    figure('CPU of the sender', ({ cpu }) => cpu, cpuBounds[kind]),
    figure('until all is withdrawn', ({ empty }) => empty),
    ratio('that', ({ empty }) => empty),
  ];
}
