// BFD under load: a hundred sessions at 50 ms × 3 with FRR's bfdd while all CPUs are kept busy. How often is a session
// called down that is not, what share of a core does it cost, and how near did it come? Beside it, FRR with itself.
// --minutes N: for how long (10; FRR with itself one, since it takes most of the machine); --sessions N (100); --quick: half
// a minute.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Frr, startFrr } from '../lab/bfd-routers.ts';
import { type BfdSpeaker, singleHop, startBfdSpeaker } from '../lab/bfd-speaker.ts';
import { until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import { createLab, type Lab } from '../lab/lab.ts';
import { diagnostic } from '../src/announce/bfd/diagnostic.ts';
import { benchInsideLab } from './inside-lab.ts';
import { cpuSeconds, residentMegabytes } from './process.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    sessions: { type: 'string', default: '100' },
  },
});
const minutes = Number(values.minutes ?? (values.quick ? 0.5 : 10));
const peerMinutes = Math.min(minutes, 1);
const sessions = Number(values.sessions);

/** Each session has an address at either end: of two with the same peer, FRR takes one for the other. */
const addressOf = (end: End, index: number): string =>
  `198.${end === 'node' ? 18 : 19}.${Math.floor(index / 250)}.${1 + (index % 250)}`;

const indexes = Array.from({ length: sessions }, (_, index) => index);

await benchInsideLab(import.meta.filename, async () => {
  const own = await run('gantry', minutes, async (lab, node) => {
    const speaker = startBfdSpeaker(lab, node);
    speaker.want(
      indexes.map((index) =>
        singleHop(addressOf('router', index), { local: addressOf('node', index), interface: 'eth0' }),
      ),
    );
    return speakerOf(speaker);
  });
  const frr = await run('frr', peerMinutes, async (lab, node) =>
    frrSpeaker(await startJudge(lab, node, 'node', 'router')),
  );
  const what = `${sessions} sessions at 50 ms × 3, all CPUs busy, ${minutes} min`;
  const figures = (pick: (run: Run) => number) => ({
    value: pick(own),
    peers: [{ name: `FRR bfdd in its place, ${peerMinutes} min`, value: pick(frr) }],
  });
  report('bfd', [
    { name: `${what}: sessions that we called down`, unit: '', bound: 1, value: own.calledDown },
    {
      name: 'sessions that FRR, on the other side, called down',
      unit: '',
      bound: 1,
      ...figures(({ downs }) => downs),
    },
    { name: 'share of a core', unit: '%', bound: 15, ...figures(({ cpuPercent }) => cpuPercent) },
    { name: 'the same, CPUs idle', unit: '%', ...figures(({ idleCpuPercent }) => idleCpuPercent) },
    { name: 'resident memory', unit: 'MB', ...figures(({ memory }) => memory) },
    { name: 'smallest slack of 150 ms when we heard', unit: 'ms', value: own.receiveSlack },
    { name: 'smallest slack of 150 ms when we were heard', unit: 'ms', value: own.transmitSlack },
    { name: 'kept from work', unit: 'ms', value: own.stalled },
  ]);
});

interface Run {
  /** Sessions whose judge has seen them go down, whoever was the first to say so, and was late himself or not. */
  readonly downs: number;
  /** By the measured one, because it heard nothing. */
  readonly calledDown: number;
  readonly cpuPercent: number;
  readonly idleCpuPercent: number;
  readonly memory: number;
  readonly receiveSlack: number;
  readonly transmitSlack: number;
  readonly stalled: number;
}

/** Who is measured. */
interface Speaker extends Disposable {
  readonly pid: number;
  countUp(): number;
  slacks(): Pick<Run, 'receiveSlack' | 'transmitSlack' | 'stalled' | 'calledDown'>;
}

async function run(
  name: string,
  lasts: number,
  start: (lab: Lab, node: Host) => Promise<Speaker>,
): Promise<Run> {
  await using lab = await createLab();
  const lan = lab.segment('lan');
  const [node, router] = [lab.host('node1'), lab.host('router')];
  for (const [host, end] of [
    [node, 'node'],
    [router, 'router'],
  ] as const)
    lab.connect(
      host,
      'eth0',
      lan,
      indexes.map((index) => `${addressOf(end, index)}/15`),
    );
  const judge = await startJudge(lab, router, 'router', 'node');
  using speaker = await start(lab, node);
  const upAtJudge = (): number => judge.peers().filter(({ status }) => status === 'up').length;
  await until(
    `all ${sessions} are up`,
    () => upAtJudge() === sessions && speaker.countUp() === sessions,
    60_000,
  );
  await sleep(3000);
  process.stderr.write(`bfd: ${name}: up; idle for 10 s, then ${lasts} min under load\n`);
  const idle = await cpuShare(speaker.pid, 10_000);
  const before = { downs: downsOf(judge), calledDown: speaker.slacks().calledDown };
  const busy = Array.from({ length: availableParallelism() }, () =>
    node.spawn([process.execPath, '-e', 'for (;;) Math.sqrt(2);'], { log: 'busy' }),
  );
  const cpuPercent = await cpuShare(speaker.pid, lasts * 60_000);
  const slacks = speaker.slacks();
  const result = {
    downs: downsOf(judge) - before.downs,
    cpuPercent,
    idleCpuPercent: idle,
    memory: residentMegabytes(speaker.pid),
    ...slacks,
    calledDown: slacks.calledDown - before.calledDown,
  };
  for (const one of busy) one.kill('SIGKILL');
  process.stderr.write(`bfd: ${name}: ${JSON.stringify(result)}\n`);
  return result;
}

type End = 'node' | 'router';

/** FRR at one end, as favoured as pulse is: how late it would be otherwise is not what is measured. */
async function startJudge(lab: Lab, host: Host, own: End, other: End): Promise<Frr> {
  const peers = indexes.flatMap((index) => [
    `peer ${addressOf(other, index)} local-address ${addressOf(own, index)} interface eth0`,
    ' detect-multiplier 3',
    ' receive-interval 50',
    ' transmit-interval 50',
    'exit',
  ]);
  const frr = await startFrr(lab, host, ['bfd', ...peers]);
  writeFileSync(`/proc/${frr.speaker.pid}/autogroup`, '-20');
  host.exec(['renice', '-n', '-20', '-p', String(frr.speaker.pid)], { mayFail: true });
  return frr;
}

/** Downs that the judge has seen, whoever was the first to say so. */
function downsOf(judge: Frr): number {
  const all = JSON.parse(judge.run('show bfd peers counters json')) as { 'session-down': number }[];
  return all.reduce((sum, one) => sum + one['session-down'], 0);
}

function speakerOf(speaker: BfdSpeaker): Speaker {
  return {
    pid: speaker.process.pid ?? 0,
    countUp: () =>
      indexes.filter((index) => speaker.stateOf(addressOf('router', index))?.state === 'up').length,
    slacks: () => ({
      calledDown: speaker.changes.filter(
        ({ state, report }) => state === 'down' && report.diagnostic === diagnostic.detectionTimeExpired,
      ).length,
      receiveSlack: speaker.counters?.smallestReceiveSlackMilliseconds ?? Number.NaN,
      transmitSlack: speaker.counters?.smallestTransmitSlackMilliseconds ?? Number.NaN,
      stalled: speaker.counters?.stalledMilliseconds ?? Number.NaN,
    }),
    [Symbol.dispose]: () => speaker[Symbol.dispose](),
  };
}

function frrSpeaker(frr: Frr): Speaker {
  return {
    pid: frr.speaker.pid ?? 0,
    countUp: () => frr.peers().filter(({ status }) => status === 'up').length,
    slacks: () => ({
      calledDown: Number.NaN,
      receiveSlack: Number.NaN,
      transmitSlack: Number.NaN,
      stalled: Number.NaN,
    }),
    [Symbol.dispose]() {},
  };
}

/** Percent of one core, over so many milliseconds, of the process with its threads (proc_pid_stat(5)). */
async function cpuShare(pid: number, milliseconds: number): Promise<number> {
  const [before, since] = [cpuSeconds(pid), performance.now()];
  await sleep(milliseconds);
  return ((cpuSeconds(pid) - before) / (performance.now() - since)) * 1000 * 100;
}
