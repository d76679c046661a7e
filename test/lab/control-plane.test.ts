// The lab's Kubernetes: real controllers, rights, webhooks and faults of the API server, and nothing left of it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Status } from '../../lab/control-plane/api-client.ts';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { serveWebhook } from '../../lab/control-plane/webhook.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import {
  type Manifest,
  namespaceManifest,
  nodeManifest,
  podManifest,
  serviceManifest,
} from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  addControlMachine,
  addPod,
  standardTopology,
  type Topology,
  type TopologyNode,
} from '../../lab/topology.ts';

interface List<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

interface EndpointSlice {
  readonly addressType: string;
  readonly endpoints:
    | readonly {
        readonly addresses: readonly string[];
        readonly nodeName: string;
        readonly conditions: { readonly ready: boolean };
      }[]
    | null;
}

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const configMap = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name },
});

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let topology: Topology;
  let node: TopologyNode;
  let cluster: ControlPlane;

  before(async () => {
    lab = await createLab();
    topology = standardTopology(lab, 2);
    node = topology.nodes[0] ?? assert.fail();
    cluster = await startControlPlane(lab, addControlMachine(lab, topology));
    await cluster.apply(
      namespaceManifest('shop'),
      ...topology.nodes.map(({ name, addresses, podCidrs }) => nodeManifest(name, addresses, podCidrs)),
    );
  });
  after(() => lab[Symbol.asyncDispose]());

  const slicesOf = async (service: string): Promise<string[]> => {
    const selector = `labelSelector=kubernetes.io/service-name=${service}`;
    const path = `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?${selector}`;
    const { items } = await cluster.api.call<List<EndpointSlice>>('GET', path);
    return items
      .flatMap(({ addressType, endpoints }) =>
        (endpoints ?? []).map(
          ({ addresses, nodeName, conditions }) =>
            `${addressType} ${addresses} ${nodeName} ${conditions.ready ? 'ready' : 'not ready'}`,
        ),
      )
      .sort();
  };

  test('the real controller makes the EndpointSlices of a Service and its pods', async () => {
    const pods = topology.nodes.map((each, index) => addPod(lab, each, 1, `web-${index + 1}`));
    await cluster.apply(
      serviceManifest('shop', 'web', ports),
      ...pods.map((pod) => podManifest('shop', pod, { app: 'web' }, pod.node === 'node1')),
    );
    const expected = [
      'IPv4 198.18.1.10 node1 ready',
      'IPv4 198.18.2.10 node2 not ready',
      'IPv6 2001:db8:42:1::10 node1 ready',
      'IPv6 2001:db8:42:2::10 node2 not ready',
    ];
    await until('all endpoints', async () => (await slicesOf('web')).length === 4, 30_000);
    assert.deepEqual(await slicesOf('web'), expected);

    // With a grace period it terminates, since no kubelet ends it.
    await cluster.remove(
      { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'web-1' } },
      30,
    );
    await until(
      'it is not ready',
      async () => (await slicesOf('web')).every((line) => line.endsWith('not ready')),
      30_000,
    );
    assert.equal((await slicesOf('web')).length, 4);
  });

  test('an account may do what its role says, from any node, and nothing else', async () => {
    const rules = [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }];
    const account = await cluster.account({ namespace: 'gantry', name: 'agent', rules });
    using client = account.client(node.host);
    assert.equal((await client.request('GET', '/api/v1/services')).status, 200);
    const { status, body } = await client.request('GET', '/api/v1/secrets');
    assert.equal(status, 403);
    assert.match(
      (body as Status).message,
      /"system:serviceaccount:gantry:agent" cannot list resource "secrets"/,
    );
    await assert.rejects(cluster.kubectl('--kubeconfig', account.kubeconfig, 'get', 'pods'), /Forbidden/);
    assert.deepEqual(readdirSync(account.directory).sort(), ['ca.crt', 'kubeconfig', 'namespace', 'token']);
  });

  test('a client may show a certificate instead of a token', async () => {
    const kubeconfig = cluster.certificateUser('paul', ['painters']);
    const answer = await cluster.kubectl('--kubeconfig', kubeconfig, 'auth', 'whoami');
    assert.match(answer, /Username +paul\nGroups +\[painters /);
  });

  test('the API server killed and started again has all it had, and knows its tokens', async () => {
    const account = await cluster.account({ namespace: 'gantry', name: 'survivor', rules: [] });
    await cluster.apply(configMap('before'));
    await cluster.apiServer.kill();
    await assert.rejects(cluster.api.call('GET', '/readyz'), /ECONNREFUSED/);
    cluster.apiServer.start();
    await cluster.ready();
    assert.ok(await cluster.find(configMap('before')));
    using client = account.client(node.host);
    assert.equal((await client.request('GET', '/api/v1/secrets')).status, 403);
  });

  test('a watch or a list from before a compaction and a restart is told that it is too old', async () => {
    const path = '/api/v1/namespaces/shop/configmaps';
    const old = await cluster.api.call<List<object>>('GET', `${path}?limit=1`);
    for (const name of ['one', 'two']) await cluster.apply(configMap(name));
    const from = { resourceVersion: old.metadata.resourceVersion };
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { object } of cluster.api.watch(path, { ...from, signal: stop.signal })) {
      seen.push(object.metadata.name);
      if (seen.length === 2) stop.abort();
    }
    assert.deepEqual(seen, ['one', 'two']);

    const page = await cluster.api.call<{ metadata: { continue: string } }>('GET', `${path}?limit=1`);
    await cluster.apply(configMap('three'));
    await cluster.apiServer.kill();
    await cluster.compact();
    cluster.apiServer.start();
    await cluster.ready();
    const late = await cluster.api.watch<Status>(path, from).next();
    assert.deepEqual([late.value?.type, late.value?.object.code], ['ERROR', 410]);
    const { status } = await cluster.api.request('GET', `${path}?limit=1&continue=${page.metadata.continue}`);
    assert.equal(status, 410);
  });

  for (const way of ['a URL', 'a Service'] as const) {
    test(`the API server asks a webhook on a node by ${way}`, async () => {
      const pod = addPod(lab, node, way === 'a URL' ? 2 : 3, `hook-${way === 'a URL' ? 'url' : 'service'}`);
      const names = [pod.ipv4, 'hook.shop.svc'];
      using _server = serveWebhook(pod.host, 8443, cluster.authority, names, ({ object }) => {
        const { metadata } = object as Manifest;
        return metadata.name.startsWith('bad') ? `${metadata.name} is bad, ${way} says` : undefined;
      });
      const target =
        way === 'a URL'
          ? { url: `https://${pod.ipv4}:8443/` }
          : { service: { namespace: 'shop', name: 'hook', port: 443 } };
      if (way === 'a Service') {
        const port = { name: 'https', protocol: 'TCP', port: 443, targetPort: 8443 } as const;
        await cluster.apply(
          serviceManifest('shop', 'hook', [port], { type: 'ClusterIP' }),
          podManifest('shop', pod, { app: 'hook' }),
        );
        await until('its endpoints', async () => (await slicesOf('hook')).length === 2, 30_000);
      }
      const configuration: Manifest = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'hook' },
        webhooks: [
          {
            name: 'hook.gantry.dev',
            clientConfig: {
              ...target,
              caBundle: Buffer.from(cluster.authority.certificate).toString('base64'),
            },
            rules: [
              { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] },
            ],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      };
      await cluster.apply(configuration);
      const attempt = async (): Promise<string | undefined> =>
        cluster.apply(configMap('bad')).then(
          () => undefined,
          (error: Error) => error.message,
        );
      // A configuration is in force a moment after it is accepted.
      const message = await until('it is refused', async () => {
        const refused = await attempt();
        if (refused === undefined) await cluster.remove(configMap('bad'));
        return refused?.includes('is bad') && refused;
      });
      assert.match(message, new RegExp(`denied the request: bad is bad, ${way} says`));
      await cluster.apply(configMap(`good-by-${way === 'a URL' ? 'url' : 'service'}`));
      await cluster.remove(configuration);
    });
  }

  test('a new serving certificate is shown while the API server runs on', async () => {
    const { pid } = cluster.apiServer;
    await cluster.rotateServingCertificate();
    assert.equal(cluster.apiServer.pid, pid);
    using fresh = (await cluster.account({ namespace: 'gantry', name: 'late' })).client(node.host);
    assert.equal((await fresh.request('GET', '/version')).status, 200);
  });

  test('a folder’s kinds are served as soon as they are applied, explained and printed by kubectl', async () => {
    const folder = join(lab.directory, 'kinds');
    mkdirSync(folder);
    const color = { type: 'string', description: 'What it looks like.' };
    const schema = { type: 'object', properties: { spec: { type: 'object', properties: { color } } } };
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'paints.gantry.dev' },
      spec: {
        group: 'gantry.dev',
        scope: 'Namespaced',
        names: { kind: 'Paint', plural: 'paints' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: schema },
            additionalPrinterColumns: [{ name: 'Color', type: 'string', jsonPath: '.spec.color' }],
          },
        ],
      },
    };
    const paint =
      'apiVersion: gantry.dev/v1\nkind: Paint\nmetadata: {name: wall, namespace: shop}\nspec: {color: red}\n';
    writeFileSync(join(folder, '1-kind.json'), JSON.stringify(definition));
    writeFileSync(join(folder, '2-objects.yaml'), `---\n${paint}---\n${paint.replace('wall', 'door')}`);
    await cluster.applyFolder(folder);
    // The descriptions are published a moment after the kind.
    const explain = () => cluster.kubectl('explain', 'paints.spec.color').catch(() => undefined);
    assert.match(await until('it is explained', explain), /What it looks like\./);
    const table = await cluster.kubectl('get', 'paints', '--namespace', 'shop');
    assert.match(table, /^NAME +COLOR\ndoor +red\nwall +red\n$/);
  });

  test('nothing is left of it when it is stopped', async () => {
    const directory = dirname(cluster.kubeconfig);
    assert.ok(existsSync(directory) && cluster.host.processes().length === 3);
    await cluster.stop();
    assert.deepEqual([existsSync(directory), cluster.host.processes()], [false, []]);
  });
});
