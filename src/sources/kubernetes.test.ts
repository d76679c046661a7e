// A cluster as a source, against the fake API server: what is told of it, in which order, and what stays when objects break.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '../api/kinds.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { isRefusal } from '../kubernetes/fake/refusal.ts';
import { create, remove, replace, type ServedResource } from '../kubernetes/fake/writes.ts';
import { type FakeApiServer, startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { customResourceDefinitions, pods } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { formatProblem, type ObjectProblem } from '../model/problem.ts';
import { applyBatch, emptyWorld, type Kind, type World } from '../model/world.ts';
import { agentKinds, type KubernetesSourceOptions, kubernetesSource } from './kubernetes.ts';

const resources: readonly ServedResource[] = Object.entries(kinds).map(([kind, spec]) => ({
  kind,
  apiVersion: spec.apiVersions.at(-1) ?? '',
  plural: spec.plural,
  isNamespaced: spec.namespaced,
  hasStatus: false,
}));

interface Followed extends AsyncDisposable {
  readonly world: World;
  readonly problems: () => string[];
  readonly sizes: readonly number[];
}

/** A cluster with the namespace of the configuration, and no objects. */
async function startCluster(served = resources): Promise<FakeApiServer> {
  const server = await startFakeApiServer({ resources: served });
  write(server, 'Namespace', undefined, { metadata: { name: 'metallb-system' } });
  return server;
}

async function follow(server: FakeApiServer, more: Partial<KubernetesSourceOptions> = {}): Promise<Followed> {
  const client = createApiClient({ access: sampleAccess([server.url]) });
  const source = kubernetesSource({
    client,
    configurationNamespace: 'metallb-system',
    kinds: agentKinds,
    ...more,
  });
  const world = emptyWorld();
  const sizes: number[] = [];
  let problems: readonly ObjectProblem[] = [];
  await source.start({
    batch(batch) {
      sizes.push(batch.changes.length);
      applyBatch(world, batch);
    },
    problems: (stand) => {
      problems = stand;
    },
  });
  return {
    world,
    problems: () => problems.map(formatProblem),
    sizes,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

function write(server: FakeApiServer, kind: Kind, namespace: string | undefined, object: object): void {
  const resource = resources.find((one) => one.kind === kind) ?? assert.fail(kind);
  const context = { store: server.store, resource, namespace, manager: 'test', isDryRun: false };
  const { name } = (object as { readonly metadata: { readonly name: string } }).metadata; // of these tests
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const body = { apiVersion: resource.apiVersion, kind, ...object };
  const isThere = server.store.get(`${resource.apiVersion}/${resource.plural}`, key) !== undefined;
  const outcome = isThere ? replace(context, name, undefined, body) : create(context, body);
  assert.ok(!isRefusal(outcome), JSON.stringify(outcome));
}

const pool = (name: string, addresses: string, change: object = {}) => ({
  metadata: { name },
  spec: { addresses: [addresses] },
  ...change,
});

const service = (name: string, change: object = {}) => ({
  metadata: { name, annotations: { 'metallb.io/ip-allocated-from-pool': 'front' } },
  spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }] },
  ...change,
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'this should be so by now');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('all kinds are told once all are whole, a Service with the addresses that its status says', async () => {
  await using server = await startCluster();
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7', ipMode: 'VIP' }] } };
  write(server, 'Service', 'default', service('web', { status }));
  write(server, 'IPAddressPool', 'metallb-system', pool('front', '192.0.2.0/24'));
  write(server, 'IPAddressPool', 'default', pool('elsewhere', '198.51.100.0/24'));
  await using followed = await follow(server);
  const { world } = followed;
  assert.equal(world.complete, true);
  assert.deepEqual([...world.pools.keys()], ['front']);
  assert.ok(world.namespaces.has('default'));
  const allocated = world.services.get('default/web')?.allocated;
  assert.equal(allocated?.pool, 'front');
  assert.equal(allocated?.addresses.length, 1);
  assert.deepEqual(followed.problems(), []);
});

test('an object that breaks stands aside alone, its last accepted version in force, until it is mended or gone', async () => {
  await using server = await startCluster();
  write(server, 'IPAddressPool', 'metallb-system', pool('front', '192.0.2.0/24'));
  await using followed = await follow(server);
  const { world } = followed;
  const before = world.pools.get('front');
  write(server, 'IPAddressPool', 'metallb-system', pool('front', 'nonsense'));
  write(server, 'IPAddressPool', 'metallb-system', pool('back', '198.51.100.0/24'));
  await until(() => world.pools.has('back'));
  assert.deepEqual(world.pools.get('front'), before);
  assert.match(followed.problems().join(), /IPAddressPool metallb-system\/front: .*last accepted version/);
  write(server, 'IPAddressPool', 'metallb-system', pool('front', '203.0.113.0/24'));
  await until(() => followed.problems().length === 0);
  assert.notDeepEqual(world.pools.get('front'), before);
  const resource = resources.find(({ kind }) => kind === 'IPAddressPool') ?? assert.fail();
  const context = {
    store: server.store,
    resource,
    namespace: 'metallb-system',
    manager: 'test',
    isDryRun: false,
  };
  remove(context, 'front', {});
  await until(() => !world.pools.has('front'));
});

test('a pool that goes with its definition stays in force, which is a problem until it is there again', async () => {
  await using server = await startCluster();
  write(server, 'IPAddressPool', 'metallb-system', pool('front', '192.0.2.0/24'));
  await using followed = await follow(server);
  const { world } = followed;
  const context = { store: server.store, manager: 'test', isDryRun: false };
  const definitions = { ...customResourceDefinitions, hasStatus: false };
  const resource = resources.find(({ kind }) => kind === 'IPAddressPool') ?? assert.fail();
  remove({ ...context, resource: definitions, namespace: undefined }, 'ipaddresspools.metallb.io', {});
  remove({ ...context, resource, namespace: 'metallb-system' }, 'front', {});
  await until(() => followed.problems().length === 1);
  assert.match(
    followed.problems().join(),
    /IPAddressPool metallb-system\/front: .*definition .*stays in force/,
  );
  assert.ok(world.pools.has('front'));
  write(server, 'IPAddressPool', 'metallb-system', pool('front', '198.51.100.0/24'));
  await until(() => followed.problems().length === 0);
  assert.ok(world.pools.has('front'));
});

test('of two pools that overlap, the one in force before this process stays', async () => {
  await using server = await startCluster();
  write(server, 'IPAddressPool', 'metallb-system', pool('a', '192.0.2.0/24'));
  write(
    server,
    'IPAddressPool',
    'metallb-system',
    pool('b', '192.0.2.128-192.0.2.200', { status: { assignedIPv4: 1, availableIPv4: 2 } }),
  );
  await using followed = await follow(server);
  assert.deepEqual([...followed.world.pools.keys()], ['b']);
  assert.match(followed.problems().join(), /IPAddressPool metallb-system\/a/);
});

test('a change of nothing that Gantry reads is not told', async () => {
  await using server = await startCluster();
  write(server, 'Service', 'default', service('web'));
  await using followed = await follow(server);
  const told = followed.sizes.length;
  write(server, 'Service', 'default', service('web', { status: { conditions: [] } }));
  write(server, 'Service', 'default', service('other'));
  await until(() => followed.world.services.has('default/other'));
  assert.equal(followed.sizes.length, told + 1);
  assert.equal(followed.sizes.at(-1), 1);
});

test('without a definition of pools nothing is complete, and the other definitions may be missing', async () => {
  const poolsOnly = resources.filter(({ kind }) => kind === 'IPAddressPool');
  await using server = await startCluster(poolsOnly);
  await using followed = await follow(server);
  assert.equal(followed.world.complete, true);

  await using bare = await startFakeApiServer({});
  const client = createApiClient({ access: sampleAccess([bare.url]), timing: { firstDelayMilliseconds: 1 } });
  const failed: string[] = [];
  const source = kubernetesSource({
    kinds: agentKinds,
    client,
    configurationNamespace: 'metallb-system',
    tell(kind, notice) {
      if (notice.kind === 'failed' && notice.reason.kind === 'not-found') failed.push(kind);
    },
  });
  let isComplete = false;
  const starting = source.start({
    batch: (batch) => {
      isComplete ||= batch.complete;
    },
    problems: () => {},
  });
  await until(() => failed.filter((kind) => kind === 'IPAddressPool').length > 2);
  assert.equal(isComplete, false);
  await source[Symbol.asyncDispose]();
  await starting;
  client[Symbol.dispose]();
});

test('nodes with a pod of ours are members, the others are none', async () => {
  await using server = await startCluster();
  for (const name of ['node1', 'node2']) write(server, 'Node', undefined, { metadata: { name } });
  const labels = { app: 'gantry' };
  using client = createApiClient({ access: sampleAccess([server.url]) });
  const make = (name: string, spec: object) =>
    createObject(client, pods, { metadata: { namespace: 'metallb-system', name, labels }, spec });
  await make('on-one', { nodeName: 'node1' });
  await make('waits', {});
  const memberPods = { namespace: 'metallb-system', labelSelector: 'app=gantry' };
  await using followed = await follow(server, { memberPods });
  const { world } = followed;
  const isMember = (name: string) => world.nodes.get(name)?.isMember;
  assert.deepEqual([isMember('node1'), isMember('node2')], [true, false]);
  await make('on-two', { nodeName: 'node2' });
  await until(() => isMember('node2') === true);
  await using everywhere = await follow(server);
  assert.equal(everywhere.world.nodes.get('node1')?.isMember, true);
});

test('of Secrets only those for basic authentication in the namespace of the configuration are asked for', async () => {
  await using server = await startCluster();
  const secret = (type: string) => ({
    metadata: { name: `${type.split('/').at(-1)}`.toLowerCase() },
    type,
    data: { password: 'aHVudGVyMg==', 'tls.key': 'eA==' },
  });
  for (const namespace of ['metallb-system', 'default'])
    for (const type of ['kubernetes.io/basic-auth', 'Opaque', 'kubernetes.io/tls'])
      write(server, 'Secret', namespace, secret(type));
  await using followed = await follow(server);
  assert.deepEqual([...followed.world.secrets.keys()], ['metallb-system/basic-auth']);
  assert.equal(followed.world.secrets.get('metallb-system/basic-auth')?.password, 'hunter2');
  assert.doesNotMatch(JSON.stringify(followed.problems()), /hunter2/);
});
