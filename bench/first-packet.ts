// From a Service's file being written to the first packet answered at a client behind a router, with 10,000
// Services present. One node: the agents of three would share this machine's cores. --quick: 1,000 and few.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { FirstAnswer } from '../lab/first-answer.ts';
import { createLabGantry, type LabGantry, until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import {
  endpointSliceManifest,
  l2AdvertisementManifest,
  poolManifest,
  serviceManifest,
} from '../lab/manifests.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import { gantryCommand } from '../lab/program.ts';
import { addPod, standardTopology, type TopologyPod } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { percentile, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const present = values.quick ? 1000 : 10_000;
const samples = values.quick ? 30 : 300;

const ports = [{ name: 'who', protocol: 'UDP', port: 80, targetPort: 8080 }] as const;

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const topology = standardTopology(lab, 1);
  const [node] = topology.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const pod = addPod(lab, node, 1, 'web-1');
  pod.host.spawn(gantryCommand('lab', 'responder', 'web-1', '8080', '8081'));
  // The pool is on the LAN, yet in no node's subnet.
  topology.router.ip('route add 198.19.0.0/16 dev eth0');

  // On a disk, as a person's folder is: writing a status waits for it.
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  try {
    const gantry = createLabGantry(lab, topology, folder);
    gantry.write('pool', poolManifest('big', ['198.19.0.0/16']), l2AdvertisementManifest('all'));
    process.stderr.write(`first-packet: writing ${present} Services\n`);
    for (let index = 0; index < present; index++) writeService(gantry, `present-${index}`, pod);
    gantry.startController();
    const started = steadyMilliseconds();
    await until(
      'the last Service has its address',
      () => gantry.addresses('shop', `present-${present - 1}`).length > 0,
      120_000,
    );
    const allocated = steadyMilliseconds() - started;
    gantry.startNode(node);
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
    for (const index of [0, present - 1]) {
      const [address = ''] = gantry.addresses('shop', `present-${index}`);
      await knock(address);
    }
    // What counts is a change among so many, not the end of a start.
    await until(
      'the node has told of all',
      () => gantry.status(`servicel2statuses/${node.name}/shop/present-${present - 1}.json`),
      120_000,
    );
    await sleep(15_000);

    const times: number[] = [];
    for (let index = 0; index < samples; index++) {
      const address = `198.19.${200 + Math.floor(index / 250)}.${1 + (index % 250)}`;
      const answered = knock(address);
      // The client has been knocking for a while when the Service comes.
      await sleep(50 + (index % 7));
      const written = steadyMilliseconds();
      writeService(gantry, `late-${index}`, pod, address);
      times.push((await answered) - written);
      await sleep(30);
    }
    report('first-packet', [
      {
        name: `Service written → first answer, ${present} present, p50 of ${samples}`,
        value: percentile(times, 0.5),
        unit: 'ms',
      },
      { name: 'the same, p99', value: percentile(times, 0.99), unit: 'ms', bound: 50 },
      { name: 'the same, maximum', value: Math.max(...times), unit: 'ms' },
      { name: `controller started → ${present} Services have addresses`, value: allocated, unit: 'ms' },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

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
