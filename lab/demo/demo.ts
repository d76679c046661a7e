// The demo: a Service gets an address, answers, shares its port with another, and survives the death of its node.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../gantry.ts';
import type { Lab } from '../lab.ts';
import { l2AdvertisementManifest } from '../manifests.ts';
import { type ProbeReport, steadyMilliseconds } from '../probe.ts';
import { firstAnswerAfter, outageOf, sum, twoOf } from './figures.ts';
import { startProbing, stream, targetText } from './probing.ts';
import type { DemoResult } from './result.ts';
import { apiPorts, buildNetwork, type Scene, startGantry, startPods, webPorts } from './scene.ts';
import { formatMilliseconds, type Screen } from './screen.ts';

/** Outages up to this are a success. */
const longestOutageMilliseconds = 1000;

export interface Demo {
  readonly scene: Scene;
  readonly result: DemoResult;
  /** Commands worth a try, with --keep. */
  readonly tries: readonly string[];
}

/** Plays it all. Rejects where something does not even happen; what happens too slowly is a result that is not ok. */
export async function playDemo(lab: Lab, screen: Screen): Promise<Demo> {
  screen.chapter('A network of its own');
  const network = await screen.step(
    'a client, a router, a LAN with three nodes, two pods on each',
    async () => buildNetwork(lab),
  );
  for (const line of picture) screen.line(line);
  const scene = await screen.step('Gantry: a controller, and an agent and a pulse on each node', async () => {
    await startPods(network);
    return { ...network, gantry: await startGantry(lab, network.topology) };
  });
  const { gantry, topology, web, api } = scene;
  const { client } = topology;

  screen.chapter('A Service gets an address and answers');
  const expected = ['192.0.2.200', '2001:db8:1::200'];
  const first = startProbing(
    client,
    expected.map((address) => targetText('tcp', address, 80)),
  );
  await sleep(400);
  const written = steadyMilliseconds();
  gantry.writeService('shop', 'web', webPorts, web);
  screen.line('shop/web  LoadBalancer  80/TCP 53/UDP  <pending>');
  const addresses = await screen.step(
    'shop/web has its addresses',
    () => until('shop/web gets two addresses', () => twoOf(gantry.addresses('shop', 'web'))),
    (found) => found.join(', '),
  );
  const ownerBefore = await screen.step(
    'a node answers for them',
    () => until('a node owns shop/web', () => gantry.owner('shop', 'web')),
    (name) => name,
  );
  await sleep(300);
  const firstReports = await first.finish();
  const firstAnswerMs = firstAnswerAfter(written, firstReports);
  screen.check(
    Number.isFinite(firstAnswerMs),
    `first answer at the client, both families: ${formatMilliseconds(firstAnswerMs)} after its file was written`,
  );

  screen.chapter('Another Service, the same port');
  const survivor = topology.nodes.find(({ name }) => name !== ownerBefore);
  if (survivor === undefined) throw new Error('the lab has a single node');
  gantry.write('prefer', preferNode('api', survivor.name));
  gantry.writeService(
    'shop',
    'api',
    apiPorts,
    api.filter(({ node }) => node !== ownerBefore),
  );
  const apiAddresses = await screen.step(
    `shop/api, port 80 as well, on ${survivor.name} by preference`,
    () =>
      until(
        'shop/api is owned by its preferred node',
        () => gantry.owner('shop', 'api') === survivor.name && twoOf(gantry.addresses('shop', 'api')),
      ),
    (found) => found.join(', '),
  );

  screen.chapter(`${ownerBefore} dies: its cable pulled, all its processes killed`);
  const targets = [
    ...addresses.flatMap((address) => [targetText('tcp', address, 80), targetText('udp', address, 53)]),
    ...apiAddresses.map((address) => targetText('tcp', address, 80)),
  ];
  const probing = startProbing(client, targets);
  const [apiIpv4 = ''] = apiAddresses;
  const streaming = stream(client, apiIpv4, 7, 5000);
  await sleep(1500);
  const dying = topology.nodes.find(({ name }) => name === ownerBefore);
  if (dying === undefined) throw new Error(`${ownerBefore} is no node of the lab`);
  dying.host.powerOff();
  const ownerAfter = await screen.step(
    'another node takes over',
    () => until('another node owns shop/web', () => gantry.owner('shop', 'web', [ownerBefore])),
    (name) => name,
  );
  await sleep(2000);
  const reports = await screen.step('the client asked on, a new connection every 5 ms', () =>
    probing.finish(),
  );
  const webReports = reports.slice(0, 4);
  const outageMs = { ipv4: outageOf(webReports, 'IPv4'), ipv6: outageOf(webReports, 'IPv6') };
  const isShort = Math.max(outageMs.ipv4, outageMs.ipv6) < longestOutageMilliseconds;
  screen.check(
    isShort,
    `longest time without an answer: IPv4 ${formatMilliseconds(outageMs.ipv4)}, IPv6 ${formatMilliseconds(outageMs.ipv6)}`,
  );
  const apiReports = reports.slice(4);
  const apiAnswered = apiReports.every(({ answered }) => answered > 0);
  screen.check(apiAnswered, `shop/api answered meanwhile: ${describe(apiReports)}`);
  const streamed = await streaming;
  screen.check(
    streamed.ok,
    `a connection through ${survivor.name} lived on: ${(streamed.bytes / 1e6).toFixed(1)} MB, every byte right`,
  );
  screen.line(
    'Connections that had entered through the dead node must be made anew: nftables keeps their state where they entered.',
  );

  const ok = isShort && apiAnswered && streamed.ok && Number.isFinite(firstAnswerMs);
  return {
    scene,
    tries: [
      'gantry status',
      'gantry why shop/web',
      'client ping -c 3 192.0.2.200',
      'router ip neigh',
      `${topology.nodes[1]?.name} nft list table inet gantry`,
    ],
    result: {
      ok,
      service: 'shop/web',
      addresses,
      ownerBefore,
      ownerAfter,
      firstAnswerMs: Math.round(firstAnswerMs),
      outageMs,
      requests: sum(reports.map(({ attempts }) => attempts)),
      failed: sum(reports.map(({ failed }) => failed)),
    },
  };
}

const picture = [
  '',
  '  client ────────── router ─────┬───── node1   web-1  api-1',
  '  198.51.100.2      192.0.2.254 ├───── node2   web-2  api-2',
  '                                └───── node3   web-3  api-3',
  '',
];

const preferNode = (service: string, node: string) =>
  l2AdvertisementManifest('prefer', {
    serviceSelectors: [{ matchLabels: { app: service } }],
    preferredNodeSelectors: [
      { weight: 100, preference: { matchLabels: { 'kubernetes.io/hostname': node } } },
    ],
  });

const describe = (reports: readonly ProbeReport[]): string =>
  `${sum(reports.map(({ answered }) => answered))} of ${sum(reports.map(({ attempts }) => attempts))} requests`;
