// How long a client behind a router is without an answer when the owner of its address loses power: Gantry, and
// keepalived in the same lab with the same probe. --quick: few trials.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startProbing, targetText } from '../lab/demo/probing.ts';
import { buildNetwork, startGantry, startPods, webPorts } from '../lab/demo/scene.ts';
import { until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import { gantryCommand } from '../lab/program.ts';
import { standardTopology, type Topology, type TopologyNode } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { startKeepalived } from './keepalived.ts';
import { type Figure, maximum, median, report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, trials: { type: 'string' } },
});
const trials = Number(values.trials ?? (values.quick ? 3 : 100));
const peerTrials = Math.min(trials, values.quick ? 2 : 20);

const vip4 = '192.0.2.200';
const vip6 = '2001:db8:1::200';

/** So that the next trial need not wait for the node to be stable. */
const givesBackAtOnce = ['--failback', 'at-once'];

interface Outages {
  readonly ipv4: number[];
  readonly ipv6: number[];
}

interface Contender {
  readonly name: string;
  readonly topology: Topology;
  /** The node that has the address now; undefined while none or several have. */
  owner(): TopologyNode | undefined;
  /** Brings a dead node back; resolves when all is as before the trial. */
  revive(node: TopologyNode): Promise<void>;
}

await benchInsideLab(import.meta.filename, async () => {
  const ours = await measureGantry();
  const fast = await measureKeepalived(0.1);
  const slow = await measureKeepalived(1);
  const figures: Figure[] = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const figure = (name: string, of: (samples: readonly number[]) => number): Figure => ({
      name: `owner killed, ${family}, ${name} of ${ours[family].length}`,
      value: of(ours[family]),
      unit: 'ms',
      bound: of === maximum ? 300 : 220,
      peers: [
        { name: `keepalived, advert_int 0.1, of ${fast[family].length}`, value: of(fast[family]) },
        { name: `keepalived, advert_int 1, of ${slow[family].length}`, value: of(slow[family]) },
      ],
    });
    return [figure('median', median), figure('maximum', maximum)];
  });
  report('failover', figures);
});

async function measureGantry(): Promise<Outages> {
  await using lab = await createLab();
  const network = buildNetwork(lab);
  await startPods(network);
  const { topology, web } = network;
  const gantry = await startGantry(lab, topology, givesBackAtOnce);
  gantry.writeService('shop', 'web', webPorts, web);
  const ownerOf = (): TopologyNode | undefined => {
    const owners = topology.nodes.filter(
      ({ name }) => gantry.status(`servicel2statuses/${name}/shop/web.json`) !== undefined,
    );
    return owners.length === 1 ? owners[0] : undefined;
  };
  return await measure('Gantry', trials, {
    name: 'gantry',
    topology,
    owner: ownerOf,
    async revive(node) {
      for (const cable of node.host.cables.values()) cable.plug();
      const pod = web.find((one) => one.node === node.name);
      pod?.host.spawn(gantryCommand('lab', 'responder', pod.name, '8080', '8081'));
      gantry.startNode(node, givesBackAtOnce);
      // It says so itself once its pulse has listened for a while and it owns the address again.
      await until(`${node.name} owns again`, () => ownerOf() === node, 20_000);
      await sleep(300);
    },
  });
}

async function measureKeepalived(advertSeconds: number): Promise<Outages> {
  await using lab = await createLab();
  const topology = standardTopology(lab);
  const start = (node: TopologyNode): void => {
    node.host.spawn(gantryCommand('lab', 'responder', node.name, '80', '7'), { log: node.name });
    startKeepalived(lab, node, topology.nodes.indexOf(node), advertSeconds, { ipv4: vip4, ipv6: vip6 });
  };
  for (const node of topology.nodes) start(node);
  const has = (node: TopologyNode, address: string): boolean =>
    node.host.exec(['ip', '-o', 'address', 'show', 'to', address]).stdout.includes(address);
  const ownerOf = (): TopologyNode | undefined => {
    const owners = topology.nodes.filter(
      (node) => node.host.processes().length > 0 && has(node, vip4) && has(node, vip6),
    );
    return owners.length === 1 ? owners[0] : undefined;
  };
  return await measure(`keepalived, advert_int ${advertSeconds}`, peerTrials, {
    name: 'keepalived',
    topology,
    owner: ownerOf,
    async revive(node) {
      node.host.ip(`address flush dev eth0 to ${vip4}`, `address flush dev eth0 to ${vip6}`);
      for (const cable of node.host.cables.values()) cable.plug();
      start(node);
      await until(`${node.name} owns again`, () => ownerOf() === node, 30_000);
      await sleep(1000);
    },
  });
}

async function measure(title: string, count: number, contender: Contender): Promise<Outages> {
  const { topology } = contender;
  const outages: Outages = { ipv4: [], ipv6: [] };
  await until(`${contender.name} has one owner`, () => contender.owner(), 30_000);
  await sleep(2000);
  for (let trial = 1; trial <= count; trial++) {
    const owner = await until('one owner', () => contender.owner(), 30_000);
    const probing = startProbing(topology.client, [targetText('tcp', vip4, 80), targetText('tcp', vip6, 80)]);
    await sleep(600);
    owner.host.powerOff();
    await until('another owner', () => contender.owner() !== owner && contender.owner(), 30_000);
    await sleep(1500);
    const [ipv4, ipv6] = await probing.finish();
    outages.ipv4.push(ipv4?.outageMilliseconds ?? Number.NaN);
    outages.ipv6.push(ipv6?.outageMilliseconds ?? Number.NaN);
    process.stderr.write(
      `${title}: trial ${trial} of ${count}: IPv4 ${outages.ipv4.at(-1)?.toFixed(0)} ms, IPv6 ${outages.ipv6.at(-1)?.toFixed(0)} ms\n`,
    );
    await contender.revive(owner);
  }
  return outages;
}
