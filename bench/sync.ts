// How long the kernel takes to be told of all Services, and of one changed endpoint: planned and programmed, in a
// namespace of its own; beside it nft (libnftables) at the same size. --quick: a tenth of the Services.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLab, type Lab } from '../lab/lab.ts';
import { emptyClaims, updateClaims } from '../src/dataplane/claims.ts';
import type { DataPlane, SyncResult } from '../src/dataplane/data-plane.ts';
import { createNftablesDataPlane } from '../src/dataplane/nftables/apply.ts';
import { openNftables } from '../src/dataplane/nftables/kernel.ts';
import { openConntrack } from '../src/dataplane/nftables/kernel-conntrack.ts';
import { type PlanContext, planService } from '../src/dataplane/plan.ts';
import type { Frontend } from '../src/dataplane/table.ts';
import { type Address, formatAddress } from '../src/model/address.ts';
import type { EndpointSlice } from '../src/model/endpoint-slice.ts';
import { sampleService } from '../src/model/sample.ts';
import type { Service, ServiceKey } from '../src/model/service.ts';
import { applyBatch, emptyWorld, type World } from '../src/model/world.ts';
import { benchInsideLab } from './inside-lab.ts';
import { maximum, median, percentile, report } from './report.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const serviceCount = values.quick ? 500 : 5000;
const endpointCount = 50;
const changeCount = 100;
const peerChangeCount = 10;

async function measureDataPlane(lab: Lab) {
  const host = lab.host('node');
  const open = (): DataPlane =>
    createNftablesDataPlane({ port: host.inside(openNftables), conntrack: host.inside(openConntrack) });
  const { world, context } = buildWorld();
  let dataPlane = open();
  await dataPlane.adopt();

  const startedAt = performance.now();
  const plans = planAll(world, context);
  const plannedAt = performance.now();
  const delay = watchEventLoop();
  const first = succeeded(await dataPlane.sync(plans, 'everything'));
  const firstSyncSeconds = (performance.now() - startedAt) / 1000;
  const longestBlockMilliseconds = delay.stop();
  const firstServicesSeconds = (plannedAt - startedAt + first.firstTransactionMilliseconds) / 1000;

  const changeMilliseconds: number[] = [];
  for (let change = 0; change < changeCount; change++) {
    const key = `default/s${(change * 37) % serviceCount}`;
    const slice = endpointSlice((change * 37) % serviceCount, {
      replaced: change % endpointCount,
      by: change,
    });
    const before = process.cpuUsage();
    applyBatch(world, {
      changes: [{ kind: 'EndpointSlice', key: slice.key, object: slice }],
      complete: true,
    });
    const { frontends } = planService(world, key, context);
    succeeded(await dataPlane.sync(new Map([[key, frontends]]), 'changes'));
    const { user, system } = process.cpuUsage(before);
    changeMilliseconds.push((user + system) / 1000);
  }
  const peerChangeMilliseconds = peerChange(lab, planService(world, 'default/s1', context).frontends[0]);

  await dataPlane[Symbol.asyncDispose]();
  dataPlane = open();
  const restartedAt = performance.now();
  await dataPlane.adopt();
  succeeded(await dataPlane.sync(planAll(world, context), 'everything'));
  const adoptionSeconds = (performance.now() - restartedAt) / 1000;
  const audit = await dataPlane.audit('full');
  await dataPlane[Symbol.asyncDispose]();
  return {
    firstSyncSeconds,
    firstServicesSeconds,
    longestBlockMilliseconds,
    changeMilliseconds,
    peerChangeMilliseconds,
    adoptionSeconds,
    auditSeconds: audit.milliseconds / 1000,
  };
}

function succeeded(result: SyncResult): SyncResult {
  for (const failure of result.failed.values()) throw new Error(JSON.stringify(failure));
  return result;
}

const planAll = (world: World, context: PlanContext): Map<ServiceKey, readonly Frontend[]> =>
  new Map([...world.services.keys()].map((key) => [key, planService(world, key, context).frontends]));

/** The longest time between two turns of a 1 ms timer. */
function watchEventLoop() {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}

const ipv4 = (value: number): Address => ({ family: 'IPv4', value: BigInt(value) });
/** 198.19.0.0 and on, then ports, so that all endpoints differ. */
const endpointAddress = (number: number): Address => ipv4(0xc6130000 + (number & 0xffff));
/** 198.18.0.0 and on. */
const serviceAddress = (index: number): Address => ipv4(0xc6120000 + index);

function endpointSlice(
  index: number,
  change?: { readonly replaced: number; readonly by: number },
): EndpointSlice {
  return {
    key: `default/s${index}-1`,
    service: `default/s${index}`,
    family: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 8000 + ((index * endpointCount) >> 16) }],
    endpoints: Array.from({ length: endpointCount }, (_, slot) => ({
      address: endpointAddress(
        index * endpointCount + slot + (change?.replaced === slot ? 30_000 + change.by : 0),
      ),
      ready: true,
      serving: true,
      terminating: false,
      nodeName: `node${(index + slot) % 100}`,
      zone: undefined,
    })),
    healthCheck: undefined,
  };
}

const service = (index: number): Service =>
  sampleService(`default/s${index}`, {
    ipFamilies: ['IPv4'],
    allocated: { addresses: [serviceAddress(index)], pool: 'bench' },
  });

function buildWorld(): { readonly world: World; readonly context: PlanContext } {
  const world = emptyWorld();
  const claims = emptyClaims();
  for (let index = 0; index < serviceCount; index++) {
    const [one, slice] = [service(index), endpointSlice(index)];
    applyBatch(world, {
      changes: [
        { kind: 'Service', key: one.key, object: one },
        { kind: 'EndpointSlice', key: slice.key, object: slice },
      ],
      complete: true,
    });
    updateClaims(claims, one.key, one);
  }
  return { world, context: { node: 'node1', deadNodes: new Set(), unhealthy: new Set(), claims } };
}

/** Loads Services in the shape that a Service proxy gives them; returns the seconds of CPU, nft's own included. */
function peerFirstSync(lab: Lab): number {
  const host = lab.host('peer');
  host.exec([
    'nft',
    `table ip peer {
      map frontends { type ipv4_addr . inet_proto . inet_service : verdict; }
      chain prerouting { type nat hook prerouting priority dstnat; ip daddr . meta l4proto . th dport vmap @frontends; }
      chain output { type nat hook output priority -100; ip daddr . meta l4proto . th dport vmap @frontends; }
    }`,
  ]);
  const files: string[] = [];
  for (let from = 0; from < serviceCount; from += 200) {
    const indexes = Array.from({ length: Math.min(200, serviceCount - from) }, (_, offset) => from + offset);
    const lines = indexes.flatMap((index) => {
      const { endpoints, ports } = endpointSlice(index);
      const targets = endpoints.map(
        ({ address }, slot) => `${slot} : ${formatAddress(address)} . ${ports[0]?.port}`,
      );
      return [
        `add chain ip peer s${index}`,
        `add rule ip peer s${index} meta l4proto tcp dnat ip addr . port to numgen random mod ${endpointCount} map { ${targets.join(', ')} }`,
      ];
    });
    const frontends = indexes.map(
      (index) => `${formatAddress(serviceAddress(index))} . tcp . 80 : goto s${index}`,
    );
    const file = join(lab.directory, `peer${from}.nft`);
    writeFileSync(
      file,
      [...lines, `add element ip peer frontends { ${frontends.join(', ')} }`, ''].join('\n'),
    );
    files.push(file);
  }
  return cpuSeconds(host.namespace, files);
}

/** Replaces one endpoint in our table by nft and back; returns the milliseconds of CPU a change. */
function peerChange(lab: Lab, frontend: Frontend | undefined): number {
  const backend = frontend?.outside[0];
  if (frontend === undefined || backend === undefined) throw new Error('no frontend to change');
  const key = `${formatAddress(frontend.address)} . tcp . ${frontend.port} . 0x00000000`;
  const files = Array.from({ length: peerChangeCount }, (_, index) => {
    const to = index % 2 === 0 ? '198.18.255.1' : formatAddress(backend.address);
    const file = join(lab.directory, `change${index}.nft`);
    const map = 'inet gantry outside4-endpoints';
    writeFileSync(
      file,
      `delete element ${map} { ${key} }\nadd element ${map} { ${key} : ${to} . ${backend.port} }\n`,
    );
    return file;
  });
  const host = lab.hosts.get('node');
  if (host === undefined) throw new Error('no host');
  return (cpuSeconds(host.namespace, files) / peerChangeCount) * 1000;
}

/** Runs `nft -f` on each file in turn; returns the CPU seconds that took, starting the processes included. */
function cpuSeconds(namespace: string, files: readonly string[]): number {
  const script = `TIMEFORMAT='%U %S'; time for file in "$@"; do nft -f "$file" || exit 1; done`;
  const result = spawnSync('nsenter', [`--net=${namespace}`, '--', 'bash', '-c', script, 'bash', ...files], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`nft: ${result.stderr}`);
  const [user = Number.NaN, system = Number.NaN] = result.stderr.trim().split(' ').map(Number);
  return user + system;
}

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const size = `${serviceCount} Services × ${endpointCount} endpoints`;
  const peerSyncSeconds = peerFirstSync(lab);
  const ours = await measureDataPlane(lab);
  report('sync', [
    {
      name: `first sync of ${size}, planned and programmed`,
      value: ours.firstSyncSeconds,
      unit: 's',
      bound: 10,
      peers: [
        { name: 'nft -f, a chain and a map a Service, 200 Services a transaction', value: peerSyncSeconds },
      ],
    },
    {
      name: 'first Services programmed, from the same start',
      value: ours.firstServicesSeconds,
      unit: 's',
      bound: 1,
    },
    {
      name: 'longest time that the event loop waited while it was programmed',
      value: ours.longestBlockMilliseconds,
      unit: 'ms',
    },
    {
      name: `one endpoint changes, CPU, median of ${changeCount}`,
      value: median(ours.changeMilliseconds),
      unit: 'ms',
      bound: 10,
      peers: [
        { name: `nft -f, the same elements, mean of ${peerChangeCount}`, value: ours.peerChangeMilliseconds },
      ],
    },
    {
      name: 'one endpoint changes, CPU, p99',
      value: percentile(ours.changeMilliseconds, 0.99),
      unit: 'ms',
      bound: 10,
    },
    { name: 'one endpoint changes, CPU, maximum', value: maximum(ours.changeMilliseconds), unit: 'ms' },
    { name: 'adopted after a restart, until all is as wanted', value: ours.adoptionSeconds, unit: 's' },
    { name: 'full audit', value: ours.auditSeconds, unit: 's' },
  ]);
});
