// A cluster as a source, against an API server in memory: one stream of batches, and bad objects that stand aside alone.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject, deleteObject, mergePatch } from '../kubernetes/objects.ts';
import type { Resource } from '../kubernetes/resource.ts';
import { namespaces, nodes, services } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import type { ObjectProblem } from '../model/problem.ts';
import { applyBatch, emptyWorld, type World } from '../model/world.ts';
import { createKubernetesSource } from './kubernetes.ts';

const pools: Resource = {
  apiVersion: 'metallb.io/v1beta1',
  kind: 'IPAddressPool',
  plural: 'ipaddresspools',
  isNamespaced: true,
};
const advertisements: Resource = { ...pools, kind: 'L2Advertisement', plural: 'l2advertisements' };

interface Bench {
  readonly world: World;
  problems: readonly ObjectProblem[];
  readonly batches: number;
  create(resource: Resource, name: string, fields: object, namespace?: string): Promise<void>;
  readonly client: ReturnType<typeof createApiClient>;
  start(): Promise<void>;
}

async function bench(t: TestContext): Promise<Bench> {
  const resources = [pools, advertisements].map((resource) => ({ ...resource, hasStatus: true }));
  const server = await startFakeApiServer({ resources });
  const client = createApiClient({
    access: sampleAccess([server.url]),
    timing: { firstDelayMilliseconds: 5, longestDelayMilliseconds: 20 },
  });
  const source = createKubernetesSource({ client, namespace: 'metallb-system' });
  t.after(async () => {
    await source[Symbol.asyncDispose]();
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  let batches = 0;
  const made: Bench = {
    world: emptyWorld(),
    problems: [],
    client,
    get batches() {
      return batches;
    },
    async create(resource, name, fields, namespace) {
      const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
      const result = await createObject(client, resource, { metadata, ...fields });
      assert.ok(result.ok, JSON.stringify(result));
    },
    start: () =>
      source.start({
        batch(batch) {
          batches++;
          applyBatch(made.world, batch);
        },
        problems(problems) {
          made.problems = problems;
        },
      }),
  };
  await made.create(namespaces, 'metallb-system', {});
  await made.create(namespaces, 'shop', {});
  return made;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`never: ${what}`);
}

const pool = (...addresses: readonly string[]): object => ({ spec: { addresses } });
const loadBalancer = { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };

test('all kinds are one world, whole at once; a Service has the addresses that its status says', async (t) => {
  const { world, create, start, client } = await bench(t);
  await create(nodes, 'node-1', {});
  await create(pools, 'lan', pool('192.0.2.0/28'), 'metallb-system');
  await create(services, 'web', loadBalancer, 'shop');
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.3', ipMode: 'VIP' }] } };
  await mergePatch(
    client,
    services,
    { namespace: 'shop', name: 'web' },
    { status },
    { subresource: 'status' },
  );
  assert.equal(world.complete, false);
  await start();
  assert.equal(world.complete, true);
  assert.deepEqual([...world.pools.keys()], ['lan']);
  assert.deepEqual([...world.nodes.keys()], ['node-1']);
  assert.ok(world.namespaces.has('shop'));
  assert.equal(world.services.get('shop/web')?.allocated.addresses.length, 1);
});

test('what is created, changed and deleted follows', async (t) => {
  const { world, create, start, client } = await bench(t);
  await start();
  await create(services, 'web', loadBalancer, 'shop');
  await create(pools, 'lan', pool('192.0.2.0/28'), 'metallb-system');
  await until('both are there', () => world.services.has('shop/web') && world.pools.has('lan'));
  await deleteObject(client, services, { namespace: 'shop', name: 'web' });
  await deleteObject(client, pools, { namespace: 'metallb-system', name: 'lan' });
  await until('both are gone', () => world.services.size === 0 && world.pools.size === 0);
});

test('a bad object stands aside alone, is named, and its last good version stays', async (t) => {
  const made = await bench(t);
  const { world, create, start, client } = made;
  await create(pools, 'good', pool('192.0.2.0/28'), 'metallb-system');
  await create(pools, 'bad', pool('192.0.2.300'), 'metallb-system');
  await start();
  assert.deepEqual([...world.pools.keys()], ['good']);
  assert.deepEqual(
    made.problems.map(({ kind, namespace, name, field }) => [kind, namespace, name, field]),
    [['IPAddressPool', 'metallb-system', 'bad', 'spec.addresses[0]']],
  );
  const name = { namespace: 'metallb-system', name: 'good' };
  await mergePatch(client, pools, name, { spec: { addresses: ['nothing'] } });
  await until('two problems', () => made.problems.length === 2);
  assert.deepEqual([...world.pools.keys()], ['good']);
  await mergePatch(client, pools, { ...name, name: 'bad' }, { spec: { addresses: ['192.0.2.32/28'] } });
  await until('the other is in force', () => world.pools.has('bad'));
  assert.equal(made.problems.length, 1);
});

test('objects that cannot both be: the one that was there first stays', async (t) => {
  const made = await bench(t);
  await made.create(pools, 'first', pool('192.0.2.0/28'), 'metallb-system');
  await made.start();
  await made.create(pools, 'second', pool('192.0.2.8-192.0.2.20'), 'metallb-system');
  await until('a problem', () => made.problems.length === 1);
  assert.equal(made.problems[0]?.name, 'second');
  assert.deepEqual([...made.world.pools.keys()], ['first']);
});

test('objects of our kinds in another namespace do not count', async (t) => {
  const { world, create, start } = await bench(t);
  await create(pools, 'foreign', pool('192.0.2.0/28'), 'shop');
  await start();
  assert.equal(world.pools.size, 0);
});

test('without our definitions installed the cluster is whole all the same', async (t) => {
  const server = await startFakeApiServer();
  const client = createApiClient({ access: sampleAccess([server.url]) });
  const world = emptyWorld();
  await using source = createKubernetesSource({ client, namespace: 'metallb-system' });
  await source.start({ batch: (batch) => void applyBatch(world, batch), problems() {} });
  assert.equal(world.complete, true);
  t.after(async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
});
