// The API server is told whom to believe, and a converter that is gone is taken out of the way; nothing else is touched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validatingWebhookConfiguration, webhookService } from '../../api/webhook/configuration.ts';
import { createApiClient } from '../../kubernetes/client.ts';
import { startFakeApiServer } from '../../kubernetes/fake-api-server.ts';
import { createObject, deleteObject, getObject } from '../../kubernetes/objects.ts';
import {
  customResourceDefinitions,
  namespaces,
  services,
  validatingWebhookConfigurations,
} from '../../kubernetes/resource.ts';
import { sampleAccess } from '../../kubernetes/sample-access.ts';
import { dropLostConversion, injectBundle } from './trust.ts';

test('the bundle is put into every webhook, and only where it is another', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  assert.deepEqual(await injectBundle(client, 'AA=='), { ok: true, value: 'absent' });
  const { apiVersion: _, kind: __, ...configuration } = validatingWebhookConfiguration('gantry-system');
  await createObject(client, validatingWebhookConfigurations, configuration);
  const bundles = async (): Promise<unknown[]> => {
    const found = await getObject(client, validatingWebhookConfigurations, { name: 'gantry' });
    assert.ok(found.ok);
    const webhooks = found.value['webhooks'] as readonly {
      readonly clientConfig: { readonly caBundle?: string };
      readonly failurePolicy: string;
    }[];
    assert.ok(webhooks.every(({ failurePolicy }) => failurePolicy === 'Ignore'));
    return webhooks.map(({ clientConfig }) => clientConfig.caBundle);
  };
  assert.deepEqual(await injectBundle(client, 'AA=='), { ok: true, value: 'injected' });
  assert.deepEqual(await bundles(), ['AA==', 'AA==']);
  const before = server.requests.length;
  assert.deepEqual(await injectBundle(client, 'AA=='), { ok: true, value: 'was-there' });
  assert.equal(server.requests.slice(before).filter((line) => line.startsWith('PATCH')).length, 0);
  assert.deepEqual(await injectBundle(client, 'AQ=='), { ok: true, value: 'injected' });
  assert.deepEqual(await bundles(), ['AQ==', 'AQ==']);
});

test('a conversion webhook stays while its Service is there, and goes after it', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  assert.deepEqual(await dropLostConversion(client), { ok: true, value: 'in-order' });
  const service = { namespace: 'metallb-system', name: 'metallb-webhook-service', path: '/convert' };
  const webhook = { conversionReviewVersions: ['v1'], clientConfig: { service, caBundle: 'AA==' } };
  await createObject(client, customResourceDefinitions, {
    metadata: { name: 'bgppeers.metallb.io' },
    spec: { group: 'metallb.io', conversion: { strategy: 'Webhook', webhook } },
  });
  await createObject(client, namespaces, { metadata: { name: service.namespace } });
  const { apiVersion: _, kind: __, ...object } = webhookService(service.namespace);
  await createObject(client, services, { ...object, metadata: { ...object.metadata, name: service.name } });
  assert.deepEqual(await dropLostConversion(client), { ok: true, value: 'in-order' });
  assert.ok((await deleteObject(client, services, service)).ok);
  assert.deepEqual(await dropLostConversion(client), { ok: true, value: 'dropped' });
  const found = await getObject(client, customResourceDefinitions, { name: 'bgppeers.metallb.io' });
  assert.deepEqual(found.ok && found.value['spec'], {
    group: 'metallb.io',
    conversion: { strategy: 'None' },
  });
  assert.deepEqual(await dropLostConversion(client), { ok: true, value: 'in-order' });
});
