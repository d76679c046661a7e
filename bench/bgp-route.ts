// From a Service's file being written to its route in the kernel table of a router (FRR) that has 10,000 addresses by BGP from
// the node already. In turns with it, the way of FRR: a route into the kernel table of a node whose zebra and bgpd pass on
// what they find there, with as many of its own. --quick: 1,000 and few.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startFrrDaemons } from '../lab/frr.ts';
import { startFrrBgp } from '../lab/frr-bgp.ts';
import { createLabGantry, type LabGantry, until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import { createLab, type Lab } from '../lab/lab.ts';
import { endpointSliceManifest, poolManifest, serviceManifest } from '../lab/manifests.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import { addPod, standardTopology, type TopologyPod } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { maximum, percentile, report } from './report.ts';
import { type RouteWatch, watchRoutes } from './route-watch.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const present = values.quick ? 1000 : 10_000;
const samples = values.quick ? 30 : 300;

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const asn = { node: 64500, peer: 64502, router: 64501 };
const peerAddress = '192.0.2.100';
const routerAddress = '192.0.2.254';

const bgpManifests = [
  {
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { name: 'router' },
    spec: { myASN: asn.node, peerASN: asn.router, peerAddress: routerAddress, connectTime: '1s' },
  },
  { apiVersion: 'metallb.io/v1beta1', kind: 'BGPAdvertisement', metadata: { name: 'all' }, spec: {} },
];

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const topology = standardTopology(lab, 1);
  const { router, neighbour } = topology;
  const [node] = topology.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const pod = addPod(lab, node, 1, 'web-1');
  const nodeAddress = node.addresses[0];
  await startFrrBgp(lab, router, asn.router, [
    { address: nodeAddress, asn: asn.node, families: ['IPv4'] },
    { address: peerAddress, asn: asn.peer, families: ['IPv4'] },
  ]);
  const watch = watchRoutes(router);

  // On a disk, as a person's folder is: writing a status waits for it.
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  try {
    const gantry = createLabGantry(lab, topology, folder);
    gantry.write('pool', poolManifest('big', ['198.19.0.0/16']), ...bgpManifests);
    process.stderr.write(`bgp-route: writing ${present} Services\n`);
    for (let index = 0; index < present; index++) writeService(gantry, `present-${index}`, pod);
    gantry.startController();
    const last = `present-${present - 1}`;
    await until('all have addresses', () => gantry.addresses('shop', last).length > 0, 120_000);
    gantry.startNode(node);
    await startPeer(lab, neighbour);
    for (const hop of [nodeAddress, peerAddress])
      await until(`all routes by ${hop}`, () => routesBy(router, hop) >= present, 300_000);
    // What counts is a change among so many, not the end of a start.
    const told = `servicebgpstatuses/${node.name}/shop/${last}.json`;
    await until('the node has told of all', () => gantry.status(told), 300_000);
    await sleep(15_000);

    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let index = 0; index < samples; index++) {
      const address = `198.19.${200 + Math.floor(index / 250)}.${1 + (index % 250)}`;
      ours.push(await timeTo(watch, address, () => writeService(gantry, `late-${index}`, pod, address)));
      await sleep(40 + (index % 7));
      const other = address.replace('198.19.', '198.18.');
      theirs.push(await timeTo(watch, other, () => neighbour.ip(`route add blackhole ${other}/32`)));
      await sleep(40 + (index % 7));
    }
    const figure = (name: string, of: (times: readonly number[]) => number) => ({
      name,
      value: of(ours),
      unit: 'ms',
      peers: [{ name: 'FRR, from a kernel route of its own', value: of(theirs) }],
    });
    const what = `Service written → route in the router's kernel, ${present} present`;
    report('bgp-route', [
      figure(`${what}, p50 of ${samples}`, (times) => percentile(times, 0.5)),
      { ...figure('the same, p99', (times) => percentile(times, 0.99)), bound: 50 },
      figure('the same, maximum', maximum),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Milliseconds from before the cause to the kernel's word of the route. */
async function timeTo(watch: RouteWatch, address: string, cause: () => void): Promise<number> {
  const seen = watch.added(address);
  const before = steadyMilliseconds();
  cause();
  return (await seen) - before;
}

function routesBy(router: Host, hop: string): number {
  return router.exec(['ip', 'route', 'show', 'proto', 'bgp', 'via', hop]).stdout.split('\n').length - 1;
}

/** FRR with as many routes in its own kernel, all passed on, and none of them the pods'. */
async function startPeer(lab: Lab, host: Host): Promise<void> {
  const addresses = Array.from(
    { length: present },
    (_, index) => `198.18.${64 + (index >> 8)}.${index & 255}`,
  );
  host.ip(...addresses.map((address) => `route add blackhole ${address}/32`));
  await startFrrDaemons(lab, host, {
    bgpd: [
      `router bgp ${asn.peer}`,
      ` bgp router-id ${peerAddress}`,
      ' no bgp ebgp-requires-policy',
      ` neighbor ${routerAddress} remote-as ${asn.router}`,
      ` neighbor ${routerAddress} timers connect 1`,
      ' address-family ipv4 unicast',
      '  redistribute kernel',
      ' exit-address-family',
    ],
  });
}

/** One file: an IPv4 Service and its slice. */
function writeService(gantry: LabGantry, name: string, pod: TopologyPod, address?: string): void {
  const service = serviceManifest('shop', name, ports, {
    ipFamilyPolicy: 'SingleStack',
    ipFamilies: ['IPv4'],
  });
  const annotations = address === undefined ? {} : { 'metallb.io/loadBalancerIPs': address };
  gantry.write(
    name,
    { ...service, metadata: { ...service.metadata, annotations } },
    endpointSliceManifest('shop', name, 'IPv4', ports, [{ address: pod.ipv4, nodeName: pod.node }]),
  );
}
