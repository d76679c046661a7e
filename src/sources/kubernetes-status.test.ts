// Statuses on an API server in memory: whole, beside what others wrote, and nothing for what is gone.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { configurationState } from '../api/status.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject, getObject } from '../kubernetes/objects.ts';
import { namespaces, type Resource } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
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
  return { server, client, port: kubernetesStatus({ client, configurationNamespace: 'metallb-system' }) };
}

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

test('what is said already is not written again, by this process or the next; but for when it came to be so', async (t) => {
  const { server, client, port } = await bench(t);
  const state = (since: string) =>
    configurationState({ component: 'controller', node: undefined, problems: [], since });
  await port.put(state('2026-01-01T00:00:00Z'));
  const before = server.requests.length;
  await port.put(state('2026-01-02T00:00:00Z'));
  assert.deepEqual(server.requests.slice(before), []);
  const next = kubernetesStatus({ client, configurationNamespace: 'metallb-system' });
  await next.put(state('2026-01-03T00:00:00Z'));
  assert.deepEqual(
    server.requests.slice(before).filter((request) => !request.startsWith('GET')),
    [],
  );
});
