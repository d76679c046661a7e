// Statuses on an API server in memory: whole, beside what others wrote, and nothing for what is gone.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { configurationState, serviceStatus } from '../api/status.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject, getObject } from '../kubernetes/objects.ts';
import { namespaces, type Resource, services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { sampleAddress } from '../model/sample.ts';
import { kubernetesStatus } from './kubernetes-status.ts';

const states: Resource = {
  apiVersion: 'metallb.io/v1beta1',
  kind: 'ConfigurationState',
  plural: 'configurationstates',
  isNamespaced: true,
};

async function bench(t: TestContext) {
  const server = await startFakeApiServer({ resources: [{ ...states, hasStatus: true }] });
  const client = createApiClient({ access: sampleAccess([server.url]) });
  t.after(async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  for (const name of ['shop', 'metallb-system'])
    await createObject(client, namespaces, { metadata: { name } });
  return { client, port: kubernetesStatus({ client, configurationNamespace: 'metallb-system' }) };
}

const web = { namespace: 'shop', name: 'web' };
const written = (pool: string | undefined, ...addresses: string[]) =>
  serviceStatus({ ...web, allocated: { pool, addresses: addresses.map(sampleAddress) }, conditions: [] });

test('a Service has its addresses and its pool, and later neither; what others wrote stays', async (t) => {
  const { client, port } = await bench(t);
  await createObject(client, services, {
    metadata: { ...web, annotations: { theirs: 'yes' } },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  });
  const read = async () => {
    const found = await getObject(client, services, web);
    assert.ok(found.ok);
    const status = found.value['status'] as { loadBalancer?: { ingress?: unknown } } | undefined;
    return [found.value.metadata.annotations, status?.loadBalancer?.ingress ?? []];
  };
  await port.put(written('lan', '192.0.2.1', '2001:db8::1'));
  assert.deepEqual(await read(), [
    { theirs: 'yes', 'metallb.io/ip-allocated-from-pool': 'lan' },
    [
      { ip: '192.0.2.1', ipMode: 'VIP' },
      { ip: '2001:db8::1', ipMode: 'VIP' },
    ],
  ]);
  await port.put(written(undefined));
  assert.deepEqual(await read(), [{ theirs: 'yes' }, []]);
});

test('the status of what is gone is no error, and makes nothing', async (t) => {
  const { client, port } = await bench(t);
  await port.put(written('lan', '192.0.2.1'));
  await port.remove('Service', 'shop', 'web');
  assert.equal((await getObject(client, services, web)).ok, false);
});

test('an object that is nothing but a status is made, changed and removed', async (t) => {
  const { client, port } = await bench(t);
  const name = { namespace: 'metallb-system', name: 'controller' };
  const result = async (): Promise<unknown> => {
    const found = await getObject(client, states, name);
    return found.ok ? (found.value['status'] as { result: string }).result : found.reason.kind;
  };
  const since = '2026-01-01T00:00:00Z';
  const state = { component: 'controller', node: undefined, problems: [], since } as const;
  await port.put(configurationState({ ...state, problems: undefined }));
  assert.equal(await result(), 'Unknown');
  await port.put(configurationState(state));
  assert.equal(await result(), 'Valid');
  await port.remove('ConfigurationState', '', 'controller');
  assert.equal(await result(), 'not-found');
  await port.remove('ConfigurationState', '', 'controller');
});
