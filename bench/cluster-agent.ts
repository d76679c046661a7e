// The agent among 5,000 Services of 50 endpoints each, ten of which change every second. --quick: 500 Services.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { shop, startLabCluster } from '../lab/cluster.ts';
import { createLab } from '../lab/lab.ts';
import { poolManifest } from '../lab/manifests.ts';
import { standardTopology } from '../lab/topology.ts';
import { buildBundle, bundleCommand, startWriter, watchServices } from './cluster-scene.ts';
import { benchInsideLab } from './inside-lab.ts';
import { cpuSeconds, residentMegabytes } from './process.ts';
import { median, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const count = values.quick ? 500 : 5000;
const endpoints = 50;
const changesPerSecond = 10;
const rounds = values.quick ? 2 : 5;
const roundSeconds = 10;

buildBundle();
await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const topology = standardTopology(lab, 1);
  const [node] = topology.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const cluster = await startLabCluster(lab, topology, { controllers: [], command: bundleCommand });
  const { controlPlane } = cluster;
  const pool = poolManifest('lan', ['198.19.0.0/16']);
  await controlPlane.apply({ ...pool, metadata: { ...pool.metadata, namespace: 'gantry-system' } });
  const write = await startWriter(cluster);
  process.stderr.write(`cluster-agent: making ${count} Services of ${endpoints} endpoints\n`);
  await write({ what: 'create', prefix: 'web', from: 0, to: count });
  await write({ what: 'slice', prefix: 'web', from: 0, to: count, endpoints });
  {
    await using watch = watchServices(cluster);
    cluster.startController();
    await watch.reached(count);
  }
  cluster.startPulse(node);
  const agent = cluster.startAgent(node);
  await calm(agent.pid);
  const idle = await busy(agent.pid, () => sleep(roundSeconds * 1000));

  const shares: number[] = [];
  let index = 0;
  for (let round = 0; round < rounds; round++) {
    shares.push(
      await busy(agent.pid, async () => {
        for (let change = 0; change < roundSeconds * changesPerSecond; change++) {
          const path = `/apis/discovery.k8s.io/v1/namespaces/${shop}/endpointslices/web-${(index * 7) % count}`;
          const ready = Math.floor((index * 7) / count) % 2 === 1;
          index++;
          const at = performance.now();
          await controlPlane.api.call(
            'PATCH',
            path,
            [{ op: 'replace', path: `/endpoints/${index % endpoints}/conditions/ready`, value: ready }],
            'application/json-patch+json',
          );
          await sleep(Math.max(0, 1000 / changesPerSecond - (performance.now() - at)));
        }
      }),
    );
  }
  const name = `agent, ${count} Services of ${endpoints} endpoints`;
  report('cluster-agent', [
    {
      name: `${name}, ${changesPerSecond} changes of an endpoint a second: CPU, median of ${rounds} times ${roundSeconds} s`,
      value: median(shares),
      unit: '% of a core',
      bound: 5,
    },
    { name: `${name}, no changes: CPU`, value: idle, unit: '% of a core' },
    { name: `${name}: memory`, value: residentMegabytes(agent.pid), unit: 'MB' },
  ]);
});

/** Resolves when the process has had little to do for five seconds. */
async function calm(pid: number | undefined): Promise<void> {
  for (let tries = 0; tries < 60; tries++) if ((await busy(pid, () => sleep(5000))) < 5) return;
  throw new Error('the agent does not come to rest');
}

/** Which part of a core the process used meanwhile, in percent. */
async function busy(pid: number | undefined, work: () => Promise<unknown>): Promise<number> {
  const [before, began] = [cpuSeconds(pid), performance.now()];
  await work();
  return ((cpuSeconds(pid) - before) / ((performance.now() - began) / 1000)) * 100;
}
