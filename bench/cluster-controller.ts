// The controller on a real API server: 10,000 Services at once beside a bare writer of the same writes, a restart among
// them, one more among them, and its memory. --quick: 1,000 and few.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type LabCluster, shop, startLabCluster } from '../lab/cluster.ts';
import { userOf } from '../lab/control-plane/rights.ts';
import { accountOf } from '../lab/deployment.ts';
import { createLab } from '../lab/lab.ts';
import { poolManifest } from '../lab/manifests.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import { standardTopology } from '../lab/topology.ts';
import { buildBundle, bundleCommand, startWriter, watchServices } from './cluster-scene.ts';
import { benchInsideLab } from './inside-lab.ts';
import { residentMegabytes } from './process.ts';
import { maximum, median, percentile, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const count = values.quick ? 1000 : 10_000;
const restartCount = values.quick ? 2 : 5;
const samples = values.quick ? 20 : 200;

/** The pool, once so many addresses were added to it, each as a range of its own. */
const grown = (by: number): string[] => [
  '198.19.0.0/16',
  ...Array.from({ length: by }, (_, index) => `198.51.100.${index}/32`),
];

buildBundle();
await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const cluster = await startLabCluster(lab, standardTopology(lab, 1), {
    controllers: [],
    isAudited: true,
    command: bundleCommand,
  });
  const { controlPlane } = cluster;
  await setPool(cluster, grown(0));
  const write = await startWriter(cluster);
  const controllerUser = userOf(accountOf('controller'));
  let log = 0;
  const start = () => cluster.startController(`controller-${++log}`);
  const activated = async (): Promise<void> => {
    const path = controlPlane.host.logPath(`controller-${log}`);
    while (!readFileSync(path, 'utf8').includes('"event":"active"')) await sleep(20);
  };
  const stop = async (child: ReturnType<typeof start>): Promise<void> => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  /** Writes of the controller, by what it wrote. */
  const writes = (): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { user, verb, resource, code } of controlPlane.requests()) {
      if (user !== controllerUser || !['create', 'update', 'patch'].includes(verb)) continue;
      // A Lease is renewed by the clock.
      if (code < 300 && resource !== 'leases') counts.set(resource, (counts.get(resource) ?? 0) + 1);
    }
    return counts;
  };
  const difference = (before: Map<string, number>, after: Map<string, number>): Map<string, number> =>
    new Map([...after].map(([what, value]) => [what, value - (before.get(what) ?? 0)]));

  // The bare writer needs a status to write, and so many events as ours.
  await using watch = watchServices(cluster);
  let controller = start();
  await activated();
  await write({ what: 'create', prefix: 'sample', from: 0, to: 1 });
  await watch.addressed('sample-0');
  const status = await statusOf(cluster, 'sample-0');
  await stop(controller);
  process.stderr.write(`cluster-controller: ${count} Services by the bare writer\n`);
  const bare = await write({ what: 'whole', prefix: 'bare', from: 0, to: count, status, events: count });
  const bareSeconds = (bare.ended - bare.began) / 1000;
  await write({ what: 'delete', prefix: 'bare', from: 0, to: count });

  process.stderr.write(`cluster-controller: ${count} Services with the controller\n`);
  controller = start();
  await activated();
  const before = writes();
  const created = await write({ what: 'create', prefix: 'present', from: 0, to: count });
  const ended = await watch.reached(count + 1);
  const own = difference(before, writes());
  const ownWrites = count + [...own.values()].reduce((a, b) => a + b, 0);
  const ownSeconds = (ended - created.began) / 1000;
  const parts = [...own].map(([what, value]) => `${value} ${what}`).join(', ');
  process.stderr.write(`cluster-controller: ${ownWrites} writes, of which ours: ${parts}\n`);
  // Events and pool counts come after.
  await settled(writes);
  await sleep(10_000);
  const memory = residentMegabytes(controller.pid);

  const restarts: number[] = [];
  let rewritten = 0;
  for (let round = 0; round < restartCount; round++) {
    await stop(controller);
    const earlier = writes();
    const began = steadyMilliseconds();
    controller = start();
    await write({ what: 'create', prefix: 'restart', from: round, to: round + 1 });
    restarts.push((await watch.addressed(`restart-${round}`)) - began);
    await settled(writes);
    rewritten += (difference(earlier, writes()).get('services/status') ?? 0) - 1;
  }

  const times = { deletion: [] as number[], growth: [] as number[] };
  for (let index = 0; index < samples; index++) {
    const change = index % 2 === 0 ? 'deletion' : 'growth';
    if (change === 'deletion') await write({ what: 'delete', prefix: 'present', from: index, to: index + 1 });
    else await setPool(cluster, grown((index + 1) / 2));
    const { began } = await write({ what: 'create', prefix: 'late', from: index, to: index + 1 });
    times[change].push((await watch.addressed(`late-${index}`)) - began);
    await sleep(20);
  }
  await stop(controller);
  const present = `${count} present`;
  report('cluster-controller', [
    {
      name: `${count} Services: writes a second of a bare writer, to those with the controller`,
      value: ((3 * count) / bareSeconds / (ownWrites / ownSeconds)) * 100,
      unit: '%',
      bound: 125,
    },
    {
      name: 'first create → all have addresses',
      value: ownSeconds,
      unit: 's',
      peers: [{ name: 'bare writer: creates, statuses and events', value: bareSeconds }],
    },
    { name: 'last create → all have addresses', value: ended - created.ended, unit: 'ms' },
    {
      name: `controller restarted → next address, ${present}, maximum`,
      value: maximum(restarts),
      unit: 'ms',
      bound: 3000,
    },
    { name: 'statuses rewritten by restarts', value: rewritten, unit: 'statuses', bound: 1 },
    {
      name: `after a deletion or a pool's growth: Service created → address, ${present}, p99 of ${samples}`,
      value: percentile([...times.deletion, ...times.growth], 0.99),
      unit: 'ms',
      bound: 100,
    },
    ...Object.entries(times).map(([change, all]) => ({
      name: `after a ${change}: p50, and the maximum beside it`,
      value: median(all),
      unit: 'ms',
      peers: [{ name: 'maximum', value: maximum(all) }],
    })),
    { name: `memory, ${present}`, value: memory, unit: 'MB', bound: 150 },
  ]);
});

async function setPool({ controlPlane }: LabCluster, addresses: readonly string[]): Promise<void> {
  const pool = poolManifest('lan', addresses);
  await controlPlane.apply({ ...pool, metadata: { ...pool.metadata, namespace: 'gantry-system' } });
}

/** What the controller has written to a Service. */
async function statusOf({ controlPlane }: LabCluster, name: string): Promise<object> {
  const path = `/api/v1/namespaces/${shop}/services/${name}`;
  const { metadata, status } = await controlPlane.api.call<{
    readonly metadata: { readonly annotations?: object };
    readonly status: object;
  }>('GET', path);
  return { metadata: { annotations: metadata.annotations }, status };
}

/** Resolves when the controller has written nothing for two seconds. */
async function settled(writes: () => Map<string, number>): Promise<void> {
  const sum = (): number => [...writes().values()].reduce((a, b) => a + b, 0);
  for (let [before, now] = [-1, sum()]; before !== now; [before, now] = [now, sum()]) await sleep(2000);
}
