// Of several that want the Lease one has it: until it gives it up, dies, or sleeps for too long.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { namespaces } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { leaseLock } from './lease-lock.ts';

async function bench(t: TestContext) {
  const server = await startFakeApiServer();
  const clients: ApiClient[] = [];
  t.after(async () => {
    for (const client of clients) client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const failures: string[] = [];
  const open = (identity: string, wrap = (client: ApiClient): ApiClient => client) => {
    const client = createApiClient({ access: sampleAccess([server.url]) });
    clients.push(client);
    const failed = (why: string) => failures.push(why);
    return leaseLock({
      client: wrap(client),
      namespace: 'gantry-system',
      identity,
      leaseMilliseconds: 400,
      failed,
    });
  };
  const [first] = [createApiClient({ access: sampleAccess([server.url]) })];
  clients.push(first);
  await createObject(first, namespaces, { metadata: { name: 'gantry-system' } });
  const holder = (): unknown => {
    const lease = server.store.get('coordination.k8s.io/v1/leases', 'gantry-system/gantry-controller');
    return (lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity;
  };
  return { server, open, holder, failures };
}

const never = new AbortController().signal;

test('one has it, the others have not; given up, it can be had at once', async (t) => {
  const { open, holder } = await bench(t);
  const [one, two] = [open('one'), open('two')];
  const held = await one.tryAcquire(never);
  assert.ok(held !== undefined);
  assert.equal(holder(), 'one');
  assert.equal(await two.tryAcquire(never), undefined);
  await held[Symbol.asyncDispose]();
  assert.equal(holder(), '');
  await using next = await two.tryAcquire(never);
  assert.ok(next !== undefined);
  assert.equal(held.lost?.aborted, false, 'what was given up is not lost');
});

test('who renews keeps it; who does not loses it, and hears of it when it wakes', async (t) => {
  const { open, holder } = await bench(t);
  /** Asleep, a process sends nothing; what it was about to send it sends when it wakes. */
  let awake: Promise<void> = Promise.resolve();
  let wake = (): void => {};
  const sleepy = (client: ApiClient): ApiClient => ({
    ...client,
    async send(request, signal) {
      await awake;
      return client.send(request, signal);
    },
  });
  const [one, two] = [open('one', sleepy), open('two')];
  const held = await one.tryAcquire(never);
  assert.ok(held !== undefined);
  const tries = async (milliseconds: number) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      const taken = await two.tryAcquire(never);
      if (taken !== undefined) return taken;
      await sleep(50);
    }
    return undefined;
  };
  assert.equal(await tries(600), undefined, 'it is renewed');
  awake = new Promise((resolve) => {
    wake = resolve;
  });
  await using taken = await tries(30_000);
  assert.ok(taken !== undefined);
  assert.equal(holder(), 'two');
  assert.equal(held.lost?.aborted, false);
  wake();
  while (!held.lost?.aborted) await sleep(10);
  await held[Symbol.asyncDispose]();
  assert.equal(holder(), 'two', 'what was lost is not given up');
});

test('who starts again takes up what it had at once', async (t) => {
  const { open } = await bench(t);
  const held = await open('one').tryAcquire(never);
  assert.ok(held !== undefined);
  assert.equal(await open('two').tryAcquire(never), undefined);
  const again = await open('one').tryAcquire(never);
  assert.ok(again !== undefined);
  await held[Symbol.asyncDispose]();
  await again[Symbol.asyncDispose]();
});
