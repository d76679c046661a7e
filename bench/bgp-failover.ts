// How long a client behind a router is without an answer to new connections when the node that its connections go by is cut
// off (its cable pulled): nodes announce by BGP, with BFD at 3 × 50 ms; the router is FRR. In turns with Gantry on the nodes,
// FRR is on the nodes of another lab. The router chooses a node by the pair of addresses, so that all connections of the one
// client go by the one that is cut. --trials N (100, the families in turns); --quick: few trials.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bgpAddresses, startBgpScene } from '../lab/demo/bgp-scene.ts';
import { startProbing, targetText } from '../lab/demo/probing.ts';
import { buildNetwork, webPorts } from '../lab/demo/scene.ts';
import type { FrrRouter } from '../lab/frr-bgp.ts';
import { until } from '../lab/gantry.ts';
import { createLab, type Lab } from '../lab/lab.ts';
import type { ProbeReport } from '../lab/probe.ts';
import { gantryCommand } from '../lab/program.ts';
import { standardTopology, type Topology, type TopologyNode } from '../lab/topology.ts';
import { startFrrNodes } from './frr-nodes.ts';
import { benchInsideLab } from './inside-lab.ts';
import { type Figure, maximum, median, report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, trials: { type: 'string' } },
});
const trials = Number(values.trials ?? (values.quick ? 4 : 100));

interface Contender {
  readonly name: string;
  readonly topology: Topology;
  readonly frr: FrrRouter;
  /** What the node's answers begin with. */
  answerer(node: TopologyNode): string;
  readonly outages: number[];
}

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  await using peerLab = await createLab();
  const contenders = [await startGantryNodes(lab), await startPeers(peerLab)] as const;
  for (const contender of contenders) {
    const { router, client } = contender.topology;
    for (const family of ['ipv4', 'ipv6']) router.sysctl(`${family}/fib_multipath_hash_policy`, 0);
    client.sysctl('ipv6/auto_flowlabels', 0);
    await whole(contender);
  }
  await sleep(3000);
  let invalid = 0;
  for (let trial = 1; trial <= trials; trial++)
    for (const contender of contenders)
      while (!(await attempt(contender, trial)))
        if (++invalid > trials) throw new Error('trial after trial the probe was late');
  const [ours, theirs] = contenders;
  const figure = (name: string, of: (samples: readonly number[]) => number, bound: number): Figure => ({
    name: `node cut off, BFD 3 × 50 ms, new connections, ${name} of ${trials}`,
    value: of(ours.outages),
    unit: 'ms',
    bound,
    peers: [{ name: theirs.name, value: of(theirs.outages) }],
  });
  report('bgp-failover', [figure('median', median, 200), figure('maximum', maximum, 250)]);
});

async function startGantryNodes(lab: Lab): Promise<Contender> {
  const { gantry, topology, web, frr } = await startBgpScene(lab, buildNetwork(lab));
  // Local: each node answers by its own pod, which tells by which node an answer came.
  gantry.writeService('shop', 'web', webPorts, web, { externalTrafficPolicy: 'Local' });
  const answerer = ({ name }: TopologyNode): string => web.find(({ node }) => node === name)?.name ?? '';
  return { name: 'Gantry', topology, frr, answerer, outages: [] };
}

async function startPeers(lab: Lab): Promise<Contender> {
  const topology = standardTopology(lab);
  const asn = { nodes: 64500, router: 64501 };
  const frr = await startFrrNodes(lab, topology, {
    asn,
    addresses: bgpAddresses,
    bfdIntervalMilliseconds: 50,
  });
  return { name: 'FRR on the nodes', topology, frr, answerer: ({ name }) => name, outages: [] };
}

/** Resolves when the router has all paths. */
async function whole({ name, topology, frr }: Contender): Promise<void> {
  const isWhole = (address: string): boolean => frr.nextHops(address).length === topology.nodes.length;
  await until(`${name}: all paths`, () => bgpAddresses.every(isWhole), 60_000);
}

/** False where it told nothing: the probe began late, or its connections went another way. */
async function attempt(contender: Contender, trial: number): Promise<boolean> {
  const { name, topology, answerer, outages } = contender;
  const address = bgpAddresses[trial % 2] ?? '';
  const node = carrier(contender, address);
  const probing = startProbing(topology.client, [targetText('tcp', address, 80)]);
  await sleep(600);
  const cut = performance.now();
  for (const cable of node.host.cables.values()) cable.unplug();
  const cutTook = performance.now() - cut;
  await sleep(800);
  const [told] = await probing.finish();
  for (const cable of node.host.cables.values()) cable.plug();
  await whole(contender);
  await sleep(500);
  const answerers = Object.keys(told?.answeredBy ?? {});
  const isValid = told !== undefined && answerers[0] === answerer(node) && answerers.length > 1;
  if (isValid) outages.push(told.outageMilliseconds);
  const what = isValid ? `${told.outageMilliseconds.toFixed(0)} ms` : 'once more';
  const detail = `${address}, ${node.name}, answers from ${answerers.join()}, cut within ${cutTook.toFixed(0)} ms`;
  process.stderr.write(`${name}: trial ${trial} of ${trials}: ${what} (${detail})\n`);
  return isValid;
}

/** The node that answers the client. */
function carrier({ topology: { client, nodes }, answerer }: Contender, address: string): TopologyNode {
  const target = targetText('tcp', address, 80);
  const { stdout } = client.exec(
    gantryCommand('lab', 'probe', target, '--duration', '20', '--interval', '10'),
  );
  const [told] = JSON.parse(stdout) as [ProbeReport];
  const names = Object.keys(told.answeredBy);
  const found = nodes.find((node) => names[0] === answerer(node));
  if (found === undefined || names.length > 1) throw new Error(`not one node answers, but ${names.join()}`);
  return found;
}
