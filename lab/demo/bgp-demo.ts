// The demo by BGP: a router spreads a Service's connections over three nodes, and goes on with two when one dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../gantry.ts';
import type { Lab } from '../lab.ts';
import { type ProbeReport, steadyMilliseconds } from '../probe.ts';
import type { TopologyNode } from '../topology.ts';
import { type BgpDemoScene, bgpAddresses, startBgpScene } from './bgp-scene.ts';
import type { Demo } from './demo.ts';
import { answersBy, firstAnswerAfter, outageOf, sum, twoOf } from './figures.ts';
import { startProbing, targetText } from './probing.ts';
import type { BgpDemoResult } from './result.ts';
import { buildNetwork, webPorts } from './scene.ts';
import { formatMilliseconds, type Screen } from './screen.ts';

export interface BgpDemo extends Demo {
  readonly scene: BgpDemoScene;
  readonly result: BgpDemoResult;
}

const longestOutageMilliseconds = 1000;
/** So many clients with one socket each, by family: all but surely one of them has its path through the node that dies. */
const flowsByFamily = 16;

/** Plays it all. Rejects where something does not even happen; what happens too slowly is a result that is not ok. */
export async function playBgpDemo(lab: Lab, screen: Screen): Promise<BgpDemo> {
  screen.chapter('A network of its own');
  const network = await screen.step('a client, a router, a LAN with three nodes, a pod on each', async () =>
    buildNetwork(lab),
  );
  for (const line of picture) screen.line(line);
  const scene = await screen.step(
    'FRR on the router, Gantry on the nodes: sessions Established, BFD up (3 × 50 ms)',
    () => startBgpScene(lab, network),
  );
  const { gantry, topology, web, frr } = scene;
  const { client, nodes } = topology;
  const hops = () => ({ ipv4: frr.nextHops(bgpAddresses[0]), ipv6: frr.nextHops(bgpAddresses[1]) });
  const hasHops = (those: readonly TopologyNode[]) => {
    const found = hops();
    const wanted = [0, 1].map((family) => hopsOf(those, family));
    return found.ipv4.join() === wanted[0] && found.ipv6.join() === wanted[1] ? found : undefined;
  };

  screen.chapter('A Service gets an address, and the router three paths to it');
  const first = startProbing(
    client,
    bgpAddresses.map((address) => targetText('tcp', address, 80)),
  );
  await sleep(400);
  const written = steadyMilliseconds();
  // Local: each node answers by its own pod, which tells by which node an answer came.
  gantry.writeService('shop', 'web', webPorts, web, { externalTrafficPolicy: 'Local' });
  const addresses = await screen.step(
    'shop/web has its addresses',
    () => until('shop/web gets two addresses', () => twoOf(gantry.addresses('shop', 'web'))),
    (found) => found.join(', '),
  );
  const before = await screen.step("FRR's table has three next hops for each", () =>
    until('three next hops', () => hasHops(nodes)),
  );
  for (const [address, found] of [
    [addresses[0], before.ipv4],
    [addresses[1], before.ipv6],
  ] as const)
    screen.line(`${address} via ${found.join(', ')}`);
  await sleep(300);
  const firstAnswerMs = firstAnswerAfter(written, await first.finish());
  screen.check(
    Number.isFinite(firstAnswerMs),
    `first answer at the client, both families: ${formatMilliseconds(firstAnswerMs)} after its file was written`,
  );

  screen.chapter('Connections are spread over the nodes');
  const asking = startProbing(
    client,
    addresses.map((address) => targetText('tcp', address, 80)),
  );
  await sleep(1500);
  const spread = byNode(answersBy(await asking.finish()), scene);
  const isSpread = nodes.every(({ name }) => (spread[name] ?? 0) > 0);
  screen.check(isSpread, nodes.map(({ name }) => `${name}: ${spread[name] ?? 0} answers`).join(', '));

  const dying = nodes[0];
  if (dying === undefined) throw new Error('the lab has no node');
  const survivors = nodes.filter((node) => node !== dying);
  screen.chapter(`${dying.name} dies: its cable pulled, all its processes killed`);
  const probing = startProbing(client, targetsOf(addresses), 10);
  await sleep(2000);
  const died = steadyMilliseconds();
  dying.host.powerOff();
  const after = await screen.step("FRR's table has the other two", () =>
    until('two next hops', () => hasHops(survivors)),
  );
  const withdrawnMs = Math.round(steadyMilliseconds() - died);
  await sleep(2000);
  const reports = await screen.step('the client asked on, every 10 ms', () => probing.finish());
  const outageMs = { ipv4: outageOf(reports, 'IPv4'), ipv6: outageOf(reports, 'IPv6') };
  const isShort = Math.max(outageMs.ipv4, outageMs.ipv6) < longestOutageMilliseconds;
  screen.check(
    isShort,
    `longest time without an answer: IPv4 ${formatMilliseconds(outageMs.ipv4)}, IPv6 ${formatMilliseconds(outageMs.ipv6)}`,
  );
  const flowsMoved = movedFrom(dying, reports, scene);
  screen.check(
    flowsMoved > 0,
    `${flowsMoved} of ${2 * flowsByFamily} clients had their path through ${dying.name}, and were answered by others then`,
  );

  return {
    scene,
    tries: [
      'gantry bgp peers',
      'gantry bgp routes',
      `gantry bgp why ${addresses[0]}`,
      'router ip route show proto bgp',
      `router ${frr.vtysh('bgpd', 'show bgp ipv4 unicast')}`,
    ],
    result: {
      ok: isShort && isSpread && flowsMoved > 0 && Number.isFinite(firstAnswerMs),
      service: 'shop/web',
      addresses,
      ownerBefore: namesOf(nodes),
      ownerAfter: namesOf(survivors),
      firstAnswerMs: Math.round(firstAnswerMs),
      outageMs,
      requests: sum(reports.map(({ attempts }) => attempts)),
      failed: sum(reports.map(({ failed }) => failed)),
      killed: dying.name,
      nextHops: { before, after },
      spread,
      withdrawnMs,
      flowsMoved,
    },
  };
}

const picture = [
  '',
  '  client ────────── router ─────┬───── node1   web-1',
  '  198.51.100.2      AS 64501    ├───── node2   web-2   AS 64500',
  '                    FRR, ECMP   └───── node3   web-3',
  '',
];

const namesOf = (nodes: readonly TopologyNode[]): string => nodes.map(({ name }) => name).join();

const hopsOf = (nodes: readonly TopologyNode[], family: number): string =>
  nodes
    .map(({ addresses }) => addresses[family])
    .sort()
    .join();

/** New connections, which take another path each time, and clients that keep theirs. */
const targetsOf = (addresses: readonly string[]): string[] =>
  addresses.flatMap((address) => [
    targetText('tcp', address, 80),
    ...Array.from({ length: flowsByFamily }, () => targetText('flow', address, 53)),
  ]);

/** Answers of pods as those of their nodes. */
const byNode = (answers: Readonly<Record<string, number>>, { web }: BgpDemoScene): Record<string, number> =>
  Object.fromEntries(web.map(({ name, node }) => [node, answers[name] ?? 0]));

const movedFrom = (dead: TopologyNode, reports: readonly ProbeReport[], { web }: BgpDemoScene): number => {
  const pod = web.find(({ node }) => node === dead.name)?.name ?? '';
  return reports.filter(
    ({ target, answeredBy }) =>
      target.protocol === 'flow' && (answeredBy[pod] ?? 0) > 0 && Object.keys(answeredBy).length > 1,
  ).length;
};
