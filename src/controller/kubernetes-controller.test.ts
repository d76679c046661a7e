// The controller with the source, the statuses and the events of a Kubernetes API, against the fake API server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from '../api/kinds.ts';
import { type ApiClient, createApiClient } from '../kubernetes/client.ts';
import type { ServedResource } from '../kubernetes/fake/writes.ts';
import { type FakeApiServer, startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { namespaces, type Resource, services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { createLog } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import { runKubernetesController } from './kubernetes-controller.ts';
import type { ControllerLock } from './lock.ts';
import { createControllerMetrics } from './metrics.ts';
import type { ControllerPhase } from './run.ts';

const configurationNamespace = 'gantry-system';
const ofStatus: ServedResource = {
  apiVersion: 'metallb.io/v1beta1',
  kind: 'ConfigurationState',
  plural: 'configurationstates',
  isNamespaced: true,
  hasStatus: true,
};
const resources: readonly ServedResource[] = [
  ofStatus,
  ...Object.entries(kinds)
    .filter(([, { apiVersions }]) => apiVersions.at(-1)?.startsWith('metallb.io/'))
    .map(([kind, { apiVersions, plural }]) => ({
      kind,
      apiVersion: apiVersions.at(-1) ?? '',
      plural,
      isNamespaced: true,
      hasStatus: true,
    })),
];

async function put(server: FakeApiServer, resource: Resource, object: object): Promise<void> {
  using client = createApiClient({ access: sampleAccess([server.url]) });
  const made = await createObject(client, resource, object as Parameters<typeof createObject>[2]); // of this test
  assert.ok(made.ok, JSON.stringify(made));
}

const service = (name: string, loadBalancerClass?: string) => ({
  metadata: { namespace: 'default', name },
  spec: {
    type: 'LoadBalancer',
    ports: [{ port: 80, protocol: 'TCP' }],
    ipFamilies: ['IPv4'],
    ...(loadBalancerClass !== undefined && { loadBalancerClass }),
  },
});

const freeLock = { tryAcquire: async () => ({ [Symbol.asyncDispose]: async () => {} }) };

interface Running {
  readonly phases: ControllerPhase[];
  stop(): Promise<void>;
}

function begin(client: ApiClient, lease: ControllerLock = freeLock): Running {
  const registry = createRegistry();
  const stop = new AbortController();
  const phases: ControllerPhase[] = [];
  const running = runKubernetesController(
    {
      client,
      configurationNamespace,
      lease,
      policy: { loadBalancerClass: undefined, required: false },
      log: createLog({ level: 'error', component: 'test' }),
      metrics: createControllerMetrics(registry),
      sourceMetrics: createSourceMetrics(registry),
      phase: (phase) => phases.push(phase),
    },
    stop.signal,
  );
  return {
    phases,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** Runs until `isEnough`, and a little longer, so that what should not be written has its chance. */
async function run(server: FakeApiServer, isEnough: () => boolean): Promise<void> {
  using client = createApiClient({ access: sampleAccess([server.url]) });
  const running = begin(client);
  await until(() => running.phases.includes('active') && isEnough());
  await sleep(100);
  await running.stop();
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'this should be so by now');
    await sleep(5);
  }
}

test('a Service of ours gets an address and an event, one of another class nothing, and a restart writes to neither', async () => {
  await using server = await startFakeApiServer({ resources });
  await put(server, namespaces, { metadata: { name: configurationNamespace } });
  const pool = resources.find(({ kind }) => kind === 'IPAddressPool') ?? assert.fail();
  await put(server, pool, {
    metadata: { namespace: configurationNamespace, name: 'front' },
    spec: { addresses: ['192.0.2.7/32'] },
  });
  await put(server, services, service('web'));
  await put(server, services, service('other', 'example.com/other'));
  const stored = (name: string) => server.store.get('v1/services', `default/${name}`);
  const untouched = stored('other');

  await run(server, () => stored('web')?.['status'] !== undefined);
  const web = stored('web');
  assert.match(JSON.stringify(web?.['status']), /"ingress":\[\{"ip":"192\.0\.2\.7","ipMode":"VIP"\}\]/);
  assert.deepEqual(web?.metadata['annotations'], { 'metallb.io/ip-allocated-from-pool': 'front' });
  const reasons = server.store.list('v1/events').map(([, event]) => event['reason']);
  assert.deepEqual(reasons, ['IPAllocated']);
  assert.ok(!server.requests.some((request) => /^GET .*services\/web/.test(request)), 'who it is was known');

  const seen = server.requests.length;
  await run(server, () => true);
  const writes = server.requests.slice(seen).filter((request) => !request.startsWith('GET'));
  assert.deepEqual(
    writes.filter((request) => !request.includes('/configmaps')),
    [],
    'a fence, and nothing else',
  );
  assert.equal(stored('web'), web);
  assert.equal(stored('other'), untouched);
});
