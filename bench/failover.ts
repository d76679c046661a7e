// How long a client behind a router is without an answer when the owner of its address loses power, for new connections
// and for a UDP flow that goes on: Gantry, and keepalived in the same lab with the same probe. --quick: few trials.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startProbing, targetText } from '../lab/demo/probing.ts';
import { buildNetwork, startGantry, startPods, webPorts } from '../lab/demo/scene.ts';
import { until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
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

const kinds = [
  'a new connection, IPv4',
  'a new connection, IPv6',
  'a UDP flow, IPv4',
  'a UDP flow, IPv6',
] as const;

/** In milliseconds. */
type Outages = Readonly<Record<(typeof kinds)[number], number[]>>;

interface Contender {
  readonly name: string;
  readonly topology: Topology;
  /** Undefined: what answers there does not answer from the address that was asked. */
  readonly udpPort?: number;
  /** The node that has the address now; undefined while none or several have. */
  owner(): TopologyNode | undefined;
  /** Brings a dead node back; resolves when all is as before the trial. */
  revive(node: TopologyNode): Promise<void>;
}

await benchInsideLab(import.meta.filename, async () => {
  const ours = await measureGantry();
  const fast = await measureKeepalived(0.1);
  const slow = await measureKeepalived(1);
  const figures: Figure[] = kinds.flatMap((kind) => {
    const figure = (name: string, of: (samples: readonly number[]) => number): Figure => ({
      name: `owner killed, ${kind}, ${name} of ${ours[kind].length}`,
      value: of(ours[kind]),
      unit: 'ms',
      bound: of === maximum ? 300 : 220,
      peers:
        fast[kind].length === 0
          ? []
          : [
              { name: `keepalived, advert_int 0.1, of ${fast[kind].length}`, value: of(fast[kind]) },
              { name: `keepalived, advert_int 1, of ${slow[kind].length}`, value: of(slow[kind]) },
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
    udpPort: 53,
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
  const outages = Object.fromEntries(kinds.map((kind): [string, number[]] => [kind, []])) as Outages;
  let lateProbes = 0;
  const targets = [
    ...[vip4, vip6].map((address) => targetText('tcp', address, 80)),
    ...[vip4, vip6].flatMap((address) =>
      contender.udpPort === undefined ? [] : targetText('flow', address, contender.udpPort),
    ),
  ];
  await until(`${contender.name} has one owner`, () => contender.owner(), 30_000);
  await sleep(2000);
  for (let trial = 1; trial <= count; trial++) {
    const owner = await until('one owner', () => contender.owner(), 30_000);
    const probing = startProbing(topology.client, targets);
    await sleep(600);
    const offAt = steadyMilliseconds();
    owner.host.powerOff();
    await until('another owner', () => contender.owner() !== owner && contender.owner(), 30_000);
    await sleep(1500);
    const reports = await probing.finish();
    // On a busy machine the probe may begin after the outage did.
    const isValid = reports.every(({ firstAnswer }) => firstAnswer !== undefined && firstAnswer < offAt);
    const found = reports.map(({ outageMilliseconds }, index) => {
      const kind = kinds[index];
      if (kind === undefined) return '';
      if (isValid) outages[kind].push(outageMilliseconds);
      return `${kind} ${outageMilliseconds.toFixed(0)} ms`;
    });
    const what = isValid ? found.join('; ') : 'the probe was late, once more';
    process.stderr.write(`${title}: trial ${trial} of ${count}: ${what}\n`);
    if (!isValid && ++lateProbes <= count) trial--;
    await contender.revive(owner);
  }
  return outages;
}
