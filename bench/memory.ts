// Memory of an agent and its pulse together with 1,000 Services: the bundle, run by its own copy of Node, so that
// nothing else on the machine shares the pages that they are charged for.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLabGantry, until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import {
  endpointSliceManifest,
  l2AdvertisementManifest,
  poolManifest,
  serviceManifest,
} from '../lab/manifests.ts';
import { standardTopology } from '../lab/topology.ts';
import { benchInsideLab } from './inside-lab.ts';
import { report } from './report.ts';

const present = 1000;
const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const root = join(import.meta.dirname, '..');
const program = join(root, 'dist/gantry');

execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const topology = standardTopology(lab, 1);
  const [node] = topology.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const gantry = createLabGantry(lab, topology);
  gantry.write('pool', poolManifest('big', ['198.19.0.0/16']), l2AdvertisementManifest('all'));
  for (let index = 0; index < present; index++) {
    const endpoints = Array.from({ length: 10 }, (_, pod) => ({
      address: `198.18.${1 + (index % 200)}.${10 + pod}`,
      nodeName: 'node1',
    }));
    gantry.write(
      `service-${index}`,
      serviceManifest('shop', `service-${index}`, ports, {
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: ['IPv4'],
      }),
      endpointSliceManifest('shop', `service-${index}`, 'IPv4', ports, endpoints),
    );
  }
  const controller = gantry.startController();
  await until(
    'all have addresses',
    () => gantry.addresses('shop', `service-${present - 1}`).length > 0,
    60_000,
  );
  controller.kill('SIGKILL');

  node.host.spawn([program, 'pulse', '--run-dir', gantry.runDirectory(node)], { log: 'pulse' });
  node.host.spawn([program, ...gantry.agentArguments(node)], { log: 'agent' });
  const last = `servicel2statuses/node1/shop/service-${present - 1}.json`;
  await until('the agent announces all', () => gantry.status(last), 60_000);
  await sleep(20_000);
  const sizes = node.host.processes().map((pid) => ({
    name: readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0pulse\0') ? 'pulse' : 'agent',
    megabytes: proportionalSetSize(pid) / 1e6,
  }));
  const total = sizes.reduce((sum, { megabytes }) => sum + megabytes, 0);
  report('memory', [
    {
      name: `agent and pulse together, ${present} Services of 10 endpoints, PSS`,
      value: total,
      unit: 'MB',
      bound: 100,
    },
    ...sizes.map(({ name, megabytes }) => ({ name: `${name} alone, PSS`, value: megabytes, unit: 'MB' })),
  ]);
});

/** Bytes, from /proc/PID/smaps_rollup: shared pages are divided among those who share them. */
function proportionalSetSize(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(match?.[1]) * 1024;
}
