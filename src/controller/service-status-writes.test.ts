// Statuses of Services on an API server in memory: whole, of the version that is known, and claimed before they are said.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { serviceStatus } from '../api/status.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { type FakeApiServer, startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject, deleteObject, getObject, mergePatch } from '../kubernetes/objects.ts';
import { namespaces, services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { sampleAddress } from '../model/sample.ts';
import type { ObjectVersion } from '../model/service.ts';
import { createServiceVersions, versionOf } from '../sources/service-versions.ts';
import { createClaimLedger } from './claim-ledger.ts';
import { createServiceStatusWrites } from './service-status-writes.ts';
import { StaleDecision } from './status-writer.ts';

const web = { namespace: 'shop', name: 'web' };
const service = { metadata: web, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };

async function bench(t: TestContext) {
  const server = await startFakeApiServer();
  const client = createApiClient({ access: sampleAccess([server.url]) });
  t.after(async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  for (const name of ['shop', 'gantry-system'])
    await createObject(client, namespaces, { metadata: { name } });
  /** Of a controller that takes over now. */
  const takeOver = async (holder: string) => {
    const ledger = createClaimLedger({ client, namespace: 'gantry-system', holder });
    const versions = createServiceVersions();
    const writes = createServiceStatusWrites({ client, fieldManager: 'gantry', versions, ledger });
    const left = await ledger.fence();
    assert.ok(left.ok);
    return { ledger, versions, writes, left: left.value };
  };
  const read = async () => {
    const found = await getObject(client, services, web);
    assert.ok(found.ok);
    const status = found.value['status'] as { loadBalancer?: { ingress?: { ip: string }[] } } | undefined;
    return {
      annotations: found.value.metadata.annotations ?? {},
      addresses: (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    };
  };
  /** Of the Service as it is now, unless another version was decided about. */
  const says = async (pool: string | undefined, addresses: string[], version?: ObjectVersion) => {
    const found = await getObject(client, services, web);
    const now = found.ok ? versionOf(found.value) : undefined;
    const { uid, resourceVersion } = version ?? now ?? { uid: 'none', resourceVersion: '1' };
    return serviceStatus({
      ...web,
      allocated: { pool, addresses: addresses.map(sampleAddress) },
      conditions: [],
      version: { uid, resourceVersion },
    });
  };
  return { server, client, takeOver, read, says };
}

const puts = (server: FakeApiServer): number =>
  server.requests.filter((request) => request.startsWith('PUT')).length;

test('a Service has its addresses and its pool, and later neither; what others wrote stays', async (t) => {
  const { server, client, takeOver, read, says } = await bench(t);
  await createObject(client, services, { ...service, metadata: { ...web, annotations: { theirs: 'yes' } } });
  const { writes } = await takeOver('one');
  await writes.put(await says('lan', ['192.0.2.1', '2001:db8::1']));
  assert.deepEqual(await read(), {
    annotations: { theirs: 'yes', 'metallb.io/ip-allocated-from-pool': 'lan' },
    addresses: ['192.0.2.1', '2001:db8::1'],
  });
  const claimed = puts(server);
  await writes.put(await says(undefined, []));
  assert.deepEqual(await read(), { annotations: { theirs: 'yes' }, addresses: [] });
  assert.equal(puts(server), claimed, 'nothing is claimed to give up');
});

test('the status of a Service that is gone is no error, and makes nothing; one of the same name is another', async (t) => {
  const { client, takeOver, read, says } = await bench(t);
  const { writes, versions } = await takeOver('one');
  await writes.put(await says('lan', ['192.0.2.1']));
  assert.equal((await getObject(client, services, web)).ok, false);
  await createObject(client, services, service);
  await writes.put(await says('lan', ['192.0.2.1']));
  const old = versions.get('shop/web');
  assert.ok(old !== undefined);
  await deleteObject(client, services, web);
  await createObject(client, services, service);
  const claim = { ...old, service: 'shop/web', pool: 'lan' };
  assert.deepEqual(await writes.finish(claim), { ok: true, value: 'void' });
  assert.deepEqual((await read()).addresses, []);
});

test('what was decided of an older version of the Service is not written over a newer one', async (t) => {
  const { client, takeOver, read, says } = await bench(t);
  await createObject(client, services, service);
  const { writes, ledger } = await takeOver('one');
  await writes.put(await says('lan', ['192.0.2.1']));
  const stale = await says('lan', ['192.0.2.2']);
  await mergePatch(client, services, web, { spec: { loadBalancerIP: '192.0.2.9' } });
  await assert.rejects(writes.put(stale), StaleDecision);
  assert.deepEqual((await read()).addresses, ['192.0.2.1']);
  assert.equal(ledger.lost.aborted, false);
  await writes.put(await says('lan', ['192.0.2.9']));
  assert.deepEqual((await read()).addresses, ['192.0.2.9']);
});

test('our own writes make no decision stale, before their echo and after it', async (t) => {
  const { client, takeOver, read, says } = await bench(t);
  const created = await createObject(client, services, service);
  assert.ok(created.ok);
  const first = versionOf(created.value);
  const { writes } = await takeOver('one');
  await writes.put(await says('lan', ['192.0.2.1'], first));
  const { uid = '', resourceVersion = '' } = (await says('lan', [])).metadata;
  await writes.put(await says('lan', ['192.0.2.2'], first));
  await writes.put(await says('lan', ['192.0.2.3'], { uid, resourceVersion }));
  assert.deepEqual((await read()).addresses, ['192.0.2.3']);
});

test('who was replaced gives no address, even where nothing of the Service has changed, and hears of it', async (t) => {
  const { client, takeOver, read, says } = await bench(t);
  await createObject(client, services, service);
  const old = await takeOver('one');
  await takeOver('two');
  await assert.rejects(old.writes.put(await says('lan', ['192.0.2.1'])));
  assert.equal(old.ledger.lost.aborted, true);
  assert.deepEqual((await read()).addresses, []);
});

test('what was claimed and not written is finished by who takes over; or it is void, for both', async (t) => {
  const { client, takeOver, read, says } = await bench(t);
  const created = await createObject(client, services, service);
  assert.ok(created.ok);
  const { uid = '', resourceVersion } = created.value.metadata;
  const claim = { service: 'shop/web', uid, resourceVersion, pool: 'lan', addresses: ['192.0.2.1'] };
  const one = await takeOver('one');
  await one.ledger.claim(claim);
  const two = await takeOver('two');
  assert.deepEqual(two.left, [claim]);
  assert.deepEqual(await two.writes.finish(claim), { ok: true, value: 'finished' });
  assert.deepEqual((await read()).addresses, ['192.0.2.1']);
  await two.writes.put(await says(undefined, []));
  assert.deepEqual(
    await one.writes.finish(claim),
    { ok: true, value: 'void' },
    'as its late write would fare',
  );
  assert.deepEqual((await read()).addresses, []);
  await two.ledger.close();
  assert.deepEqual((await takeOver('three')).left, []);
});

test('claims that come together are one write, and a write whose answer was lost is no loss', async (t) => {
  const { server, client, takeOver } = await bench(t);
  const { ledger } = await takeOver('one');
  const claim = (name: string) =>
    ledger.claim({ service: `shop/${name}`, uid: name, resourceVersion: '1', pool: 'lan', addresses: [] });
  const before = puts(server);
  await Promise.all(Array.from({ length: 100 }, (_, index) => claim(`s${index}`)));
  assert.ok(puts(server) - before <= 2, `${puts(server) - before} writes`);
  // The same content under a newer version is what our own write leaves whose answer was lost.
  const name = { namespace: 'gantry-system', name: 'gantry-ledger' };
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', isNamespaced: true };
  await mergePatch(client, resource, name, { metadata: { labels: { touched: 'yes' } } });
  await claim('late');
  assert.equal(ledger.lost.aborted, false);
});
