// What people do on purpose, under load: drain a node, restart or upgrade its agent, replace its pulse. No request may be
// lost by it. --quick: few times; --only TEXT: what has that in its name.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startProbing, targetText } from '../lab/demo/probing.ts';
import { buildNetwork, startPods, webPorts } from '../lab/demo/scene.ts';
import { createLabGantry, type LabGantry, until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import { l2AdvertisementManifest, poolManifest } from '../lab/manifests.ts';
import type { ProbeReport } from '../lab/probe.ts';
import { gantryCommand } from '../lab/program.ts';
import { poolRanges, type Topology, type TopologyNode } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { type Figure, report } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    times: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const times = Number(values.times ?? (values.quick ? 3 : 50));

const vip4 = '192.0.2.200';
const vip6 = '2001:db8:1::200';
const pulseArguments = ['--failback', 'at-once'];

interface Cluster {
  readonly topology: Topology;
  readonly gantry: LabGantry;
  readonly agents: Map<TopologyNode, ChildProcess>;
  /** The node that says that it answers, if one alone does. */
  owner(): TopologyNode | undefined;
}

interface Deed {
  readonly name: string;
  /** Does it to the owner, and makes all as it was before. */
  act(owner: TopologyNode, cluster: Cluster): Promise<void>;
}

const deeds: readonly Deed[] = [
  {
    name: 'drain of the owner, and its undoing',
    async act(owner, cluster) {
      const drain = ['drain', '--run-dir', cluster.gantry.runDirectory(owner)];
      await run(owner, ...drain);
      await until('another answers', () => ![undefined, owner].includes(cluster.owner()));
      await sleep(200);
      await run(owner, ...drain, '--undo');
      await until('it answers again', () => cluster.owner() === owner);
    },
  },
  {
    name: 'restart of its agent (SIGKILL)',
    act: (owner, cluster) => restartAgent(owner, cluster, 'SIGKILL'),
  },
  {
    name: 'upgrade of its agent (SIGTERM)',
    act: (owner, cluster) => restartAgent(owner, cluster, 'SIGTERM'),
  },
  {
    name: 'replacement of its pulse',
    async act(owner, cluster) {
      const directory = cluster.gantry.runDirectory(owner);
      const pid = async (): Promise<string> =>
        await run(owner, 'members', '--run-dir', directory, '-o', 'json');
      await pid();
      owner.host.spawn(gantryCommand('pulse', '--run-dir', directory, ...pulseArguments, '--replace'), {
        log: `${owner.name}-pulse`,
      });
      await sleep(1200);
      await until('it answers still', () => cluster.owner() === owner);
    },
  },
];

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const network = buildNetwork(lab);
  await startPods(network);
  const { topology } = network;
  const gantry = createLabGantry(lab, topology);
  gantry.write('pool', poolManifest('lan', poolRanges), l2AdvertisementManifest('lan'));
  gantry.startController();
  const agents = new Map(topology.nodes.map((node) => [node, gantry.startNode(node, pulseArguments).agent]));
  gantry.writeService('shop', 'web', webPorts, network.web);
  const cluster: Cluster = {
    topology,
    gantry,
    agents,
    owner() {
      const owners = topology.nodes.filter(
        ({ name }) => gantry.status(`servicel2statuses/${name}/shop/web.json`) !== undefined,
      );
      return owners.length === 1 ? owners[0] : undefined;
    },
  };
  await until('one answers', () => cluster.owner(), 30_000);
  await sleep(3000);
  const figures: Figure[] = [];
  for (const deed of deeds.filter(({ name }) => name.includes(values.only))) {
    const { attempts, failed, failures } = await underLoad(cluster, deed);
    process.stderr.write(`${deed.name}: ${failed} of ${attempts} lost ${JSON.stringify(failures)}\n`);
    figures.push({
      name: `${deed.name}, ${times} times: requests lost of ${attempts}`,
      value: failed,
      unit: 'requests',
      bound: 1,
    });
  }
  report('planned', figures);
});

type Losses = Pick<ProbeReport, 'attempts' | 'failed' | 'failures'>;

/** A request every 5 ms to each of two addresses by TCP and UDP, each on a connection of its own. */
async function underLoad(cluster: Cluster, deed: Deed): Promise<Losses> {
  const targets = [vip4, vip6].flatMap((vip) => [targetText('tcp', vip, 80), targetText('udp', vip, 53)]);
  const total = { attempts: 0, failed: 0, failures: {} as Record<string, number> };
  for (let time = 1; time <= times; time++) {
    const owner = await until('one owner', () => cluster.owner(), 30_000);
    const probing = startProbing(cluster.topology.client, targets);
    await sleep(400);
    await deed.act(owner, cluster);
    await sleep(300);
    for (const { target, attempts, failed, failures } of await probing.finish()) {
      total.attempts += attempts;
      total.failed += failed;
      for (const [failure, count] of Object.entries(failures)) {
        const what = `${target.protocol} ${target.address} ${failure}`;
        total.failures[what] = (total.failures[what] ?? 0) + count;
      }
    }
    if (time % 10 === 0)
      process.stderr.write(`${deed.name}: ${time} of ${times}, ${total.failed} lost so far\n`);
  }
  return total;
}

async function restartAgent(owner: TopologyNode, cluster: Cluster, signal: NodeJS.Signals): Promise<void> {
  const before = cluster.agents.get(owner);
  if (before === undefined) throw new Error(`${owner.name} has no agent`);
  const ended = once(before, 'exit');
  before.kill(signal);
  await ended;
  const agent = owner.host.spawn(gantryCommand(...cluster.gantry.agentArguments(owner)), {
    log: `${owner.name}-agent`,
  });
  cluster.agents.set(owner, agent);
  await sleep(1500);
  await until('it answers still', () => cluster.owner() === owner);
}

/** A command on the node, without holding this process up; resolves with what it prints. */
async function run(node: TopologyNode, ...args: readonly string[]): Promise<string> {
  const child = node.host.spawn(gantryCommand(...args), { pipe: true });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`gantry ${args.join(' ')} on ${node.name}: exit code ${code}`);
  return text;
}
