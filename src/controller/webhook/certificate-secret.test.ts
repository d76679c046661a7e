// One certificate for all replicas: whoever comes first makes it, it is renewed in time, and rubbish is replaced.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiClient, createApiClient } from '../../kubernetes/client.ts';
import { type FakeApiServer, startFakeApiServer } from '../../kubernetes/fake-api-server.ts';
import { createObject, mergePatch } from '../../kubernetes/objects.ts';
import { namespaces, secrets } from '../../kubernetes/resource.ts';
import { sampleAccess } from '../../kubernetes/sample-access.ts';
import { serviceDnsNames, trustBundle } from './certificate.ts';
import { ensureCertificate, type StoredCertificate, webhookSecretName } from './certificate-secret.ts';

const namespace = 'gantry-system';
const names = serviceDnsNames('gantry-webhook', namespace);
const day = 86_400_000;
const start = Date.parse('2026-01-01T00:00:00Z');

async function serverWithNamespace(): Promise<{ server: FakeApiServer; client: ApiClient }> {
  const server = await startFakeApiServer();
  const client = createApiClient({ access: sampleAccess([server.url]) });
  await createObject(client, namespaces, { metadata: { name: namespace } });
  return { server, client };
}

async function ensured(client: ApiClient, now: number): Promise<StoredCertificate> {
  const outcome = await ensureCertificate(client, namespace, names, now);
  assert.ok(outcome.ok);
  return outcome.value;
}

test('of several that come at once one makes it, and all have the same', async () => {
  const { server, client } = await serverWithNamespace();
  await using _server = server;
  using _client = client;
  const race = await Promise.all([1, 2, 3].map(() => ensureCertificate(client, namespace, names, start)));
  assert.equal(race.filter((one) => one.ok && one.value.made === 'first').length, 1);
  for (const one of race) assert.ok(one.ok || one.reason.kind === 'already-exists');
  const [first, second] = [await ensured(client, start), await ensured(client, start)];
  assert.equal(first.certificate, second.certificate);
  assert.equal(first.made, undefined);
});

test('it is renewed when a third of its year is left, and the former authority stays trusted', async () => {
  const { server, client } = await serverWithNamespace();
  await using _server = server;
  using _client = client;
  const first = await ensured(client, start);
  assert.equal(first.made, 'first');
  assert.equal((await ensured(client, start + 240 * day)).certificate, first.certificate);
  const later = start + 250 * day;
  const next = await ensured(client, later);
  assert.equal(next.made, 'renewed');
  assert.notEqual(next.certificate, first.certificate);
  assert.equal(next.formerAuthority, first.authority);
  const bundle = Buffer.from(trustBundle(next.authority, next.formerAuthority, later), 'base64').toString();
  assert.ok(bundle.includes(first.authority) && bundle.includes(next.authority));
  assert.deepEqual({ ...(await ensured(client, later)), made: 'renewed' }, next);
});

test('what is no certificate is replaced by one, whatever is in its place', async () => {
  const { server, client } = await serverWithNamespace();
  await using _server = server;
  using _client = client;
  const first = await ensured(client, start);
  for (const data of [{ 'tls.key': 'cnViYmlzaA==' }, { 'ca.crt': null }, { 'tls.crt': 'not base64' }]) {
    const name = { namespace, name: webhookSecretName };
    assert.ok((await mergePatch(client, secrets, name, { data })).ok);
    const mended = await ensured(client, start);
    assert.equal(mended.made, 'mended');
    assert.notEqual(mended.certificate, first.certificate);
    // Rubbish is trusted by nobody.
    assert.ok(trustBundle(mended.authority, mended.formerAuthority, start).length > 0);
    assert.equal((await ensured(client, start)).made, undefined);
  }
});
