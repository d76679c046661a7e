// Events written to the fake API server: whom they are about, and that nothing waits for those that fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import type { ObjectEvent } from '../model/status.ts';
import { kubernetesEvents } from './kubernetes-events.ts';

const given = (name: string): ObjectEvent => ({
  kind: 'Service',
  namespace: 'default',
  name,
  type: 'Normal',
  reason: 'IPAllocated',
  message: 'Assigned 192.0.2.7 from pool front.',
});

const silent = { failed: () => {}, dropped: () => {} };

test('an event is about the Service as it is now, and one of a Service that is gone is nobody’s', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  const created = await createObject(client, services, {
    metadata: { namespace: 'default', name: 'web' },
    spec: {},
  });
  assert.ok(created.ok);
  await using events = kubernetesEvents({ client, ...silent, component: 'gantry-controller' });
  events.record(given('web'));
  events.record(given('gone'));
  await events.idle();
  const stored = server.store.list('v1/events').map(([, object]) => object);
  assert.equal(stored.length, 1);
  const [event] = stored;
  assert.equal(event?.['reason'], 'IPAllocated');
  assert.equal(event?.['message'], 'Assigned 192.0.2.7 from pool front.');
  assert.equal(Reflect.get(Object(event?.['involvedObject']), 'uid'), created.value.metadata.uid);
});

test('all of many events are written, few at a time, and none after the end', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  await createObject(client, services, { metadata: { namespace: 'default', name: 'web' }, spec: {} });
  await using events = kubernetesEvents({ client, ...silent, component: 'gantry-controller' });
  for (let count = 0; count < 20; count += 1) events.record(given('web'));
  await events.idle();
  assert.equal(server.store.list('v1/events').length, 20);
  assert.ok(server.connections <= 5);
  await events[Symbol.asyncDispose]();
  events.record(given('web'));
  await events.idle();
  assert.equal(server.store.list('v1/events').length, 20);
});

test('of one object no more than so many are written at once', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  for (const name of ['web', 'mail'])
    await createObject(client, services, { metadata: { namespace: 'default', name }, spec: {} });
  await using events = kubernetesEvents({ client, ...silent, component: 'gantry-controller' });
  for (let count = 0; count < 200; count += 1) events.record(given('web'));
  events.record(given('mail'));
  await events.idle();
  assert.equal(server.store.list('v1/events').length, 26);
});
