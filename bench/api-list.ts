// How long reading 5,000 Services with 50 endpoints each from an API server holds up everything else, in each of the
// ways to read them; beside JSON.parse of the whole lists, and the official client. --quick: a tenth of the Services.
import { execFile } from 'node:child_process';
import { PerformanceObserver } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import type { ApiObject } from '../src/kubernetes/api-object.ts';
import { type ApiClient, createApiClient } from '../src/kubernetes/client.ts';
import { getObject } from '../src/kubernetes/objects.ts';
import {
  collectionPath,
  endpointSlices,
  namespaces,
  type Resource,
  services,
} from '../src/kubernetes/resource.ts';
import { sampleAccess } from '../src/kubernetes/sample-access.ts';
import { watchCollection } from '../src/kubernetes/watch-collection.ts';
import { keepProcessSmall } from '../src/observe/small-process.ts';
import { type Figure, maximum, report } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    read: { type: 'string' },
    server: { type: 'string', default: '' },
    small: { type: 'boolean', default: false },
  },
});
const serviceCount = values.quick ? 500 : 5000;
const endpointCount = 50;

interface Measured {
  readonly block: number;
  readonly collection: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly memory: number;
}

/** Hands over each object of a kind. */
type Reader = (client: ApiClient, resource: Resource, take: (object: unknown) => void) => Promise<void>;

const collection =
  (pageSize?: number): Reader =>
  async (client, resource, take) => {
    const stop = new AbortController();
    await watchCollection(
      client,
      {
        selection: { resource },
        trim,
        ...(pageSize !== undefined && { pageSize }),
        batch({ changes, complete }) {
          for (const change of changes) if (change.kind !== 'removed') take(change.object);
          if (complete) stop.abort();
        },
      },
      stop.signal,
    );
  };

const readers: Readonly<Record<string, Reader>> = {
  stream: collection(),
  pages: collection(),
  'one page': collection(1_000_000),
  async parse(client, resource, take) {
    const answer = await client.send({ method: 'GET', path: collectionPath(resource) });
    if (!answer.ok) throw new Error(answer.reason.kind);
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.value.body) pieces.push(piece as Uint8Array); // no encoding is set
    const list = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { readonly items: ApiObject[] };
    for (const item of list.items) take(trim(item));
  },
  async official(_client, resource, take) {
    const { CoreV1Api, DiscoveryV1Api, KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'here', server: values.server, skipTLSVerify: true },
      { name: 'me' },
    );
    const { items } =
      resource === services
        ? await config.makeApiClient(CoreV1Api).listServiceForAllNamespaces()
        : await config.makeApiClient(DiscoveryV1Api).listEndpointSliceForAllNamespaces();
    for (const item of items) take(trim(item as unknown as ApiObject));
  },
};

/** The server has a process of its own, this one; each reader has another. */
async function main(): Promise<void> {
  const { startFakeApiServer } = await import('../src/kubernetes/fake-api-server.ts');
  const server = await startFakeApiServer();
  const { store } = server;
  const plain = await startFakeApiServer({ store, hasStreamingLists: false });
  for (let index = 0; index < serviceCount; index++) {
    store.write('v1/services', `default/s${index}`, (version) => service(index, version));
    store.write('discovery.k8s.io/v1/endpointslices', `default/s${index}-1`, (version) =>
      endpointSlice(index, version),
    );
  }
  const run = async (way: string, ...flags: readonly string[]): Promise<Measured> => {
    const { url } = way === 'stream' ? server : plain;
    const quick = values.quick ? ['--quick'] : [];
    const args = [import.meta.filename, '--read', way, '--server', url, ...quick, ...flags];
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as Measured; // of `measure`
  };
  const peers = [
    { name: 'JSON.parse of the whole lists', ...(await run('parse')) },
    { name: 'the official client', ...(await run('official')) },
  ];
  const figures: Figure[] = [];
  for (const way of ['stream', 'pages', 'one page']) {
    for (const flags of [[], ['--small']]) {
      const runs: Measured[] = [];
      for (let count = 0; count < 3; count++) runs.push(await run(way, ...flags));
      const figure = (
        what: string,
        unit: string,
        pick: (measured: Measured) => number,
        bound?: number,
      ): void => {
        figures.push({
          name: `${way}${flags.length > 0 ? ' in a small process' : ''}: ${what}, most of 3`,
          value: maximum(runs.map(pick)),
          unit,
          ...(bound !== undefined && { bound }),
          peers: peers.map((peer) => ({ name: peer.name, value: pick(peer) })),
        });
      };
      figure('longest time (CPU) without a turn of the event loop', 'ms', ({ block }) => block, 50);
      figure('longest garbage collection', 'ms', ({ collection }) => collection);
      figure('CPU', 's', ({ cpu }) => cpu);
      figure('until all is there, the server included', 's', ({ seconds }) => seconds);
      figure('memory (RSS) more than before', 'MB', ({ memory }) => memory);
    }
  }
  await server[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  report('api-list', figures);
}

async function measure(read: Reader): Promise<Measured> {
  if (values.small) keepProcessSmall();
  using client = createApiClient({ access: sampleAccess([values.server]) });
  // Plain HTTP is loaded by the first request, which is no part of this: API servers are asked by TLS.
  await getObject(client, namespaces, { name: 'default' });
  const kept: unknown[] = [];
  let collection = 0;
  const collections = new PerformanceObserver((list) => {
    collection = Math.max(collection, ...list.getEntries().map(({ duration }) => duration));
  });
  collections.observe({ entryTypes: ['gc'] });
  const { rss } = process.memoryUsage();
  const began = performance.now();
  const usage = process.cpuUsage();
  const delay = watchEventLoop();
  for (const resource of [services, endpointSlices])
    await read(client, resource, (object) => void kept.push(object));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(usage);
  const block = delay.stop();
  await new Promise((resolve) => setTimeout(resolve, 10));
  collections.disconnect();
  if (kept.length !== 2 * serviceCount) throw new Error(`${kept.length} objects were read`);
  const memory = (process.memoryUsage().rss - rss) / 1e6;
  return { block, collection, seconds, cpu: (user + system) / 1e6, memory };
}

/** The most CPU that the main thread used between two turns of a 1 ms timer: what others use does not count. */
function watchEventLoop() {
  const used = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = used();
  let longest = 0;
  const look = (): void => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      clearInterval(timer);
      look();
      return longest;
    },
  };
}

/** What is kept: the ports of a Service; address and node of each endpoint. */
function trim(object: ApiObject): unknown {
  const { spec, endpoints = [] } = object as unknown as {
    readonly spec?: { readonly ports: unknown };
    readonly endpoints?: readonly { readonly addresses: readonly string[]; readonly nodeName: string }[];
  }; // made below
  return spec
    ? spec.ports
    : endpoints.map(({ addresses, nodeName }) => ({ address: addresses[0], nodeName }));
}

const metadata = (name: string, resourceVersion: string, labels: Readonly<Record<string, string>>) => ({
  name,
  namespace: 'default',
  uid: `00000000-0000-4000-8000-${resourceVersion.padStart(12, '0')}`,
  resourceVersion,
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels,
  managedFields: [
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': { 'f:ports': {}, 'f:type': {} },
      },
    },
  ],
});

const service = (index: number, version: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(`s${index}`, version, { app: `s${index}` }),
  spec: {
    type: 'LoadBalancer',
    clusterIP: `198.18.${index >> 8}.${index & 255}`,
    selector: { app: `s${index}` },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    sessionAffinity: 'None',
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
  },
  status: { loadBalancer: {} },
});

const endpointSlice = (index: number, version: string) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadata(`s${index}-1`, version, { 'kubernetes.io/service-name': `s${index}` }),
  addressType: 'IPv4',
  endpoints: Array.from({ length: endpointCount }, (_, slot) => ({
    addresses: [`198.19.${index & 255}.${slot}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node${(index + slot) % 100}`,
    targetRef: {
      kind: 'Pod',
      namespace: 'default',
      name: `s${index}-7d4b9c6f5-${slot}`,
      uid: `00000000-0000-4000-8000-${String(index * endpointCount + slot).padStart(12, '0')}`,
    },
    zone: 'zone-a',
  })),
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
});

const reader = readers[values.read ?? ''];
if (reader === undefined) await main();
else process.stdout.write(JSON.stringify(await measure(reader)));
