// From a Service being applied to the API server to the first packet answered at a client behind a router, with 10,000
// Services present; and where the time goes. One node: the agents of three would share this machine's cores. --quick: 1,000
// and few.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { shop, startLabCluster } from '../lab/cluster.ts';
import type { FirstAnswer } from '../lab/first-answer.ts';
import { createLab } from '../lab/lab.ts';
import { endpointSliceManifest, poolManifest, serviceManifest } from '../lab/manifests.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import { gantryCommand } from '../lab/program.ts';
import { addPod, standardTopology } from '../lab/topology.ts';
import { buildBundle, bundleCommand, startWriter, watchServices } from './cluster-scene.ts';
import { benchInsideLab } from './inside-lab.ts';
import { median, percentile, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const present = values.quick ? 1000 : 10_000;
const samples = values.quick ? 30 : 300;
/** Milliseconds, in which what a Service leads to ends: one at a time is what is measured. */
const pause = 150;
const ports = [{ name: 'who', protocol: 'UDP', port: 80, targetPort: 8080 }] as const;

buildBundle();
await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const topology = standardTopology(lab, 1);
  const [node] = topology.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const pod = addPod(lab, node, 1, 'web-1');
  pod.host.spawn(gantryCommand('lab', 'responder', 'web-1', '8080', '8081'));
  // The pool is on the LAN, yet in no node's subnet.
  topology.router.ip('route add 198.19.0.0/16 dev eth0');

  const cluster = await startLabCluster(lab, topology, { controllers: [], command: bundleCommand });
  const { controlPlane } = cluster;
  const pool = poolManifest('lan', ['198.19.0.0/16']);
  await controlPlane.apply({ ...pool, metadata: { ...pool.metadata, namespace: 'gantry-system' } });
  const write = await startWriter(cluster);
  process.stderr.write(`cluster-first-packet: making ${present} Services\n`);
  await write({ what: 'create', prefix: 'present', from: 0, to: present });
  await write({ what: 'slice', prefix: 'present', from: 0, to: present });
  /** As a person's tool does; the slice comes first, as where pods run already. */
  const applySlice = (name: string): Promise<void> =>
    controlPlane.apply(
      endpointSliceManifest(shop, name, 'IPv4', ports, [{ address: pod.ipv4, nodeName: pod.node }]),
    );
  const apply = async (name: string, address: string): Promise<number> => {
    const service = serviceManifest(shop, name, ports, {
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
      allocateLoadBalancerNodePorts: false,
    });
    const annotations = { 'metallb.io/loadBalancerIPs': address };
    const at = steadyMilliseconds();
    await controlPlane.apply({ ...service, metadata: { ...service.metadata, annotations } });
    return at;
  };
  // What the API server takes for itself, before anybody of ours is there: it looks at all cluster addresses each time.
  const alone: number[] = [];
  for (let index = 0; index < samples / 5; index++) {
    const at = await apply(`alone-${index}`, '198.19.199.2');
    alone.push(steadyMilliseconds() - at);
    await sleep(pause);
  }
  await write({ what: 'delete', prefix: 'alone', from: 0, to: alone.length });
  await using watch = watchServices(cluster);
  cluster.startController();
  await watch.reached(present);
  cluster.startPulse(node);
  cluster.startAgent(node);

  const knocker = topology.client.spawn(gantryCommand('lab', 'first-answer'), {
    pipe: true,
    log: 'first-answer',
  });
  if (knocker.stdout === null || knocker.stdin === null) throw new Error('the knocker has no pipes');
  const answers = createInterface({ input: knocker.stdout });
  const knock = async (address: string): Promise<number> => {
    knocker.stdin?.write(`${address} 80\n`);
    const [line] = (await once(answers, 'line')) as [string];
    return (JSON.parse(line) as FirstAnswer).at;
  };
  await applySlice('first');
  const first = knock('198.19.199.1');
  await apply('first', '198.19.199.1');
  await first;
  // Reports about all Services are still under way.
  await sleep(values.quick ? 5000 : 30_000);

  const totals: number[] = [];
  const addressed: number[] = [];
  const accepted: number[] = [];
  for (let index = 0; index < samples; index++) {
    const name = `late-${index}`;
    const address = `198.19.${200 + Math.floor(index / 250)}.${1 + (index % 250)}`;
    await applySlice(name);
    await sleep(pause);
    const answered = knock(address);
    // The client has been knocking for a while when the Service comes.
    await sleep(50 + (index % 7));
    const applied = await apply(name, address);
    accepted.push(steadyMilliseconds() - applied);
    addressed.push((await watch.addressed(name)) - applied);
    totals.push((await answered) - applied);
    await sleep(pause);
  }
  report('cluster-first-packet', [
    {
      name: `Service applied → first answer, ${present} present, p50 of ${samples}`,
      value: median(totals),
      unit: 'ms',
      bound: 50,
    },
    { name: 'the same, p99', value: percentile(totals, 0.99), unit: 'ms', bound: 150 },
    {
      name: 'of it, until the API server has taken the Service, p50',
      value: median(accepted),
      unit: 'ms',
      peers: [{ name: 'the API server alone, without Gantry', value: median(alone) }],
    },
    { name: 'of it, until its status has the address, p50', value: median(addressed), unit: 'ms' },
    {
      name: 'of it, from the address to the first answer, p50',
      value: median(totals.map((total, index) => total - (addressed[index] ?? 0))),
      unit: 'ms',
    },
  ]);
});
