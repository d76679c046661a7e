// Statuses written to the fake API server: what an object says afterwards, and how many writes it took.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationState, poolStatus, serviceStatus } from '../api/status.ts';
import { createApiClient } from '../kubernetes/client.ts';
import type { StoredObject } from '../kubernetes/fake/store.ts';
import type { ServedResource } from '../kubernetes/fake/writes.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { namespaces, services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { parseAddress } from '../model/address.ts';
import type { StatusPort } from '../model/status.ts';
import { kubernetesStatus } from './kubernetes-status.ts';

const own = (kind: string, plural: string): ServedResource => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  plural,
  isNamespaced: true,
  hasStatus: true,
});
const resources = [own('IPAddressPool', 'ipaddresspools'), own('ConfigurationState', 'configurationstates')];
const [pools = assert.fail()] = resources;

interface Cluster extends AsyncDisposable {
  readonly status: StatusPort;
  /** As it is stored, by collection and key. */
  stored(collection: string, key: string): StoredObject | undefined;
  /** Requests that change something, since the last call. */
  writes(): string[];
}

/** With a Service `default/web` and a pool `front`. */
async function startCluster(): Promise<Cluster> {
  const server = await startFakeApiServer({ resources });
  const client = createApiClient({ access: sampleAccess([server.url]) });
  const metadata = { namespace: 'gantry-system', name: 'front' };
  for (const outcome of [
    await createObject(client, namespaces, { metadata: { name: 'gantry-system' } }),
    await createObject(client, services, { metadata: { namespace: 'default', name: 'web' }, spec: {} }),
    await createObject(client, pools, { metadata, spec: { addresses: ['192.0.2.0/24'] } }),
  ])
    assert.ok(outcome.ok, JSON.stringify(outcome));
  let seen = server.requests.length;
  return {
    status: kubernetesStatus({ client, configurationNamespace: 'gantry-system' }),
    stored: (collection, key) => server.store.get(collection, key),
    writes() {
      const since = server.requests.slice(seen);
      seen = server.requests.length;
      return since.filter((request) => !request.startsWith('GET'));
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const address = parseAddress('192.0.2.7') ?? assert.fail();
const given = (name: string, pool: string | undefined) =>
  serviceStatus({
    namespace: 'default',
    name,
    allocated: { addresses: pool === undefined ? [] : [address], pool },
    conditions: [],
  });
const annotation = 'metallb.io/ip-allocated-from-pool';

test('a Service says its addresses, as VIPs, and the pool, and neither once they are given up', async () => {
  await using cluster = await startCluster();
  await cluster.status.put(given('web', 'front'));
  const said = cluster.stored('v1/services', 'default/web');
  assert.deepEqual(said?.['status'], {
    loadBalancer: { ingress: [{ ip: '192.0.2.7', ipMode: 'VIP' }] },
    conditions: [],
  });
  assert.deepEqual(said.metadata['annotations'], { [annotation]: 'front' });
  await cluster.status.put(given('web', undefined));
  const after = cluster.stored('v1/services', 'default/web');
  assert.deepEqual(after?.['status'], { loadBalancer: { ingress: [] }, conditions: [] });
  assert.deepEqual(after.metadata['annotations'] ?? {}, {});
});

test('a Service that is gone needs no status, and is not made anew', async () => {
  await using cluster = await startCluster();
  await cluster.status.put(given('gone', 'front'));
  await cluster.status.remove('Service', 'default', 'gone');
  assert.equal(cluster.stored('v1/services', 'default/gone'), undefined);
});

test("a pool's counts are written once, and not again where they are the same", async () => {
  await using cluster = await startCluster();
  const counts = poolStatus({
    namespace: undefined,
    name: 'front',
    assignedIPv4: 1n,
    assignedIPv6: 0n,
    availableIPv4: 255n,
    availableIPv6: 0n,
  });
  await cluster.status.put(counts);
  assert.equal(cluster.writes().length, 1);
  await cluster.status.put(counts);
  assert.deepEqual(cluster.writes(), []);
  const stored = cluster.stored('metallb.io/v1beta1/ipaddresspools', 'gantry-system/front');
  assert.deepEqual(stored?.['status'], counts['status']);
});

test('the ConfigurationState is made where it is missing, with its labels', async () => {
  await using cluster = await startCluster();
  const since = '2026-01-31T12:00:00Z';
  const state = configurationState({ component: 'controller', node: undefined, problems: [], since });
  await cluster.status.put(state);
  const stored = cluster.stored('metallb.io/v1beta1/configurationstates', 'gantry-system/controller');
  assert.deepEqual(stored?.['status'], state['status']);
  assert.deepEqual(stored?.metadata['labels'], { 'metallb.io/component-type': 'controller' });
  await cluster.status.remove('ConfigurationState', '', 'controller');
  assert.equal(
    cluster.stored('metallb.io/v1beta1/configurationstates', 'gantry-system/controller'),
    undefined,
  );
});

test('a status that cannot be written rejects with what to do about it', async () => {
  await using cluster = await startCluster();
  await cluster[Symbol.asyncDispose]();
  await assert.rejects(cluster.status.put(given('web', 'front')), /the API server cannot be reached/);
});
