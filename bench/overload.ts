// All CPUs busy with four times the work they can do: nobody may be taken for dead who is only slow, and no address may
// move. keepalived is beside it on the same nodes, with addresses of its own. --minutes: how long (30); --quick: one.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildNetwork, startGantry, startPods, webPorts } from '../lab/demo/scene.ts';
import { until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import type { TopologyNode } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { startKeepalived } from './keepalived.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, minutes: { type: 'string' } },
});
const minutes = Number(values.minutes ?? (values.quick ? 1 : 30));
const timesTooMuch = 4;
const peerAddresses = { ipv4: '192.0.2.240', ipv6: '2001:db8:1::240' };

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const network = buildNetwork(lab);
  const { nodes, client } = network.topology;
  await startPods(network);
  const gantry = await startGantry(lab, network.topology);
  gantry.writeService('shop', 'web', webPorts, network.web);
  await until('one owner', () => gantry.owner('shop', 'web'), 30_000);
  for (const [index, node] of nodes.entries()) startKeepalived(lab, node, index, 0.1, peerAddresses);
  await sleep(5000);

  const before = counts(nodes);
  if (before.moves === 0 || before.peerMoves === 0) throw new Error('the logs do not tell who came first');
  const burners = Array.from({ length: cpus().length * timesTooMuch }, () =>
    client.spawn([process.execPath, '-e', 'for (;;) Math.sqrt(2);']),
  );
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(60_000);
    const { falls, moves, late, peerMoves } = since(before, counts(nodes));
    process.stderr.write(
      `${minute} of ${minutes} minutes: ${falls} false silences, ${moves} moves, late ${late} times; keepalived moved ${peerMoves} times\n`,
    );
  }
  const after = since(before, counts(nodes));
  for (const burner of burners) burner.kill('SIGKILL');
  const name = `${minutes} minutes of ${timesTooMuch} times the work that all CPUs can do:`;
  report('overload', [
    { name: `${name} members called dead that lived`, value: after.deaths, unit: 'deaths', bound: 1 },
    { name: `${name} members that one other member did not hear in time`, value: after.falls, unit: 'times' },
    {
      name: `${name} moves of addresses`,
      value: after.moves,
      unit: 'moves',
      bound: 1,
      peers: [{ name: 'keepalived, advert_int 0.1: changes of master', value: after.peerMoves }],
    },
    { name: `${name} times that a pulse itself was late by a lease`, value: after.late, unit: 'times' },
  ]);
});

interface Counts {
  readonly deaths: number;
  readonly falls: number;
  readonly moves: number;
  readonly late: number;
  readonly peerMoves: number;
}

/** From the logs of all nodes. */
function counts(nodes: readonly TopologyNode[]): Counts {
  const count = (log: string, pattern: string): number =>
    nodes.reduce((sum, { host, name }) => {
      const text = readFileSync(host.logPath(`${name}-${log}`), 'utf8');
      return sum + text.split(pattern).length - 1;
    }, 0);
  return {
    deaths: count('pulse', 'member-dead'),
    falls: count('pulse', 'member-silent'),
    moves: count('pulse', 'address-owned'),
    late: count('pulse', 'was-late'),
    peerMoves: count('keepalived', 'Entering MASTER STATE'),
  };
}

function since(before: Counts, after: Counts): Counts {
  return {
    deaths: after.deaths - before.deaths,
    falls: after.falls - before.falls,
    moves: after.moves - before.moves,
    late: after.late - before.late,
    peerMoves: after.peerMoves - before.peerMoves,
  };
}
