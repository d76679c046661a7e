// From MetalLB to Gantry on a real API server, and away again: no Service's address changes that nobody asked to change.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressesOf, type LabCluster, shop, startLabCluster } from '../../lab/cluster.ts';
import type { ApiObject } from '../../lab/control-plane/api-client.ts';
import { startProbing, targetText } from '../../lab/demo/probing.ts';
import { startPods, webPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type Manifest, podManifest, poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addPod, standardTopology, type Topology } from '../../lab/topology.ts';

const namespace = 'metallb-system';
const deploy = join(import.meta.dirname, '../../deploy');
const definitions = join(deploy, 'crds');
const single = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] };

/** A Service as MetalLB leaves it: with addresses that an allocator which begins anew would not come upon first. */
const left = (
  name: string,
  addresses: readonly string[],
  annotations: Record<string, string>,
  spec: object = {},
): Manifest => {
  const service = serviceManifest(shop, name, webPorts, { ...(addresses.length < 2 && single), ...spec });
  return {
    ...service,
    metadata: { ...service.metadata, annotations },
    status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip, ipMode: 'VIP' })) } },
  };
};

const fromPool = (pool: string) => ({ 'metallb.io/ip-allocated-from-pool': pool });
const shared = { ...fromPool('lan'), 'metallb.io/allow-shared-ip': 'one' };
const dns = [{ name: 'dns', protocol: 'UDP', port: 5353, targetPort: 8080 }];

const servedByMetalLb: readonly Manifest[] = [
  left('web', ['192.0.2.217', '2001:db8:1::217'], fromPool('lan')),
  left('older', ['192.0.2.231'], {
    'metallb.universe.tf/ip-allocated-from-pool': 'lan',
    'metallb.universe.tf/loadBalancerIPs': '192.0.2.231',
  }),
  left('asked', ['192.0.2.222'], fromPool('lan'), { loadBalancerIP: '192.0.2.222' }),
  left('shared-tcp', ['192.0.2.240'], shared),
  left('shared-udp', ['192.0.2.240'], shared, { ports: dns }),
  left('manual', ['198.51.100.7'], { ...fromPool('manual'), 'metallb.io/address-pool': 'manual' }),
  left('foreign', ['203.0.113.9'], {}, { loadBalancerClass: 'example.com/other' }),
];

const inNamespace = (manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, namespace },
});

const workload = (kind: string, component: string, spec: object): Manifest =>
  inNamespace({
    apiVersion: 'apps/v1',
    kind,
    metadata: {
      name: `metallb-${component}`,
      labels: { 'app.kubernetes.io/name': 'metallb', 'app.kubernetes.io/component': component },
      annotations: { 'meta.helm.sh/release-name': 'metallb' },
    },
    spec: {
      selector: { matchLabels: { app: component } },
      template: {
        metadata: { labels: { app: component } },
        spec: { containers: [{ name: component, image: 'testbed.local/none' }] },
      },
      ...spec,
    },
  });

const webhookClient = (path: string) => ({
  service: { name: 'metallb-webhook-service', namespace, path, port: 443 },
});

const leftByMetalLb: readonly Manifest[] = [
  inNamespace(poolManifest('manual', ['198.51.100.0/28'], { autoAssign: false })),
  inNamespace({
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { name: 'router' },
    spec: { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1', password: 'secret' },
  }),
  inNamespace({
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ServiceL2Status',
    metadata: { name: 'l2-x7k2p', labels: { 'metallb.io/service-name': 'web' } },
    status: { node: 'node1', serviceName: 'other', serviceNamespace: shop, interfaces: [] },
  }),
  workload('Deployment', 'controller', { replicas: 1 }),
  workload('DaemonSet', 'speaker', {}),
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'metallb-webhook-configuration' },
    webhooks: [
      {
        name: 'ipaddresspoolvalidationwebhook.metallb.io',
        admissionReviewVersions: ['v1'],
        clientConfig: webhookClient('/validate-metallb-io-v1beta1-ipaddresspool'),
        failurePolicy: 'Fail',
        sideEffects: 'None',
        rules: [
          {
            apiGroups: ['metallb.io'],
            apiVersions: ['v1beta1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['ipaddresspools'],
          },
        ],
      },
    ],
  },
];

const convertedByMetalLb = {
  spec: {
    conversion: {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1beta1', 'v1beta2'], clientConfig: webhookClient('/convert') },
    },
  },
};

interface Balanced {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] } };
}

const addressesIn = ({ status }: Balanced): string =>
  (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join(' ');

/** What deploy/ and the lab bring, and what goes by itself. */
const notLeft =
  /^(CustomResourceDefinition|ServiceAccount|Role|RoleBinding|ClusterRole|ClusterRoleBinding|Event|APIService) /;

interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly object: string;
    readonly verdict: string;
    readonly message: string;
  }[];
  readonly steps: readonly { readonly commands: readonly string[] }[];
}

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let topology: Topology;
  let cluster: LabCluster;
  let saved: string;
  /** `name: addresses` of each write to a Service that was there before Gantry. */
  const writes: string[] = [];
  const stopWatching = new AbortController();
  const running = new Map<string, ChildProcess>();

  const gantry = (...args: readonly string[]) =>
    cluster.controlPlane.host.exec(
      gantryCommand(...args, '--namespace', namespace, '--kubeconfig', cluster.controlPlane.kubeconfig),
      { mayFail: true },
    );
  const kubectl = (...args: readonly string[]) => cluster.controlPlane.kubectl(...args);
  /** As a person would type it, from a checkout. */
  const perform = async (command: string, ...more: readonly string[]): Promise<string> => {
    const words = command.match(/'[^']*'|\S+/g) ?? [];
    const [program, ...args] = words.map((word) =>
      word.replaceAll("'", '').replace(/^deploy\//, `${deploy}/`),
    );
    assert.equal(program, 'kubectl', command);
    return kubectl(...args, ...more);
  };
  /** A definition that has just changed is not served for a moment. */
  const report = (): Promise<Report> =>
    until(
      'the cluster can be read',
      async () => {
        const { stdout } = gantry('migrate', '--from', 'metallb', '-o', 'json');
        return stdout !== '' && (JSON.parse(stdout) as Report);
      },
      60_000,
    );
  const verdicts = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await report()).findings.map(({ object, verdict }) => [object, verdict]));

  const startPrograms = (): void => {
    running.set('controller', cluster.startController());
    for (const node of topology.nodes) {
      running.set(`${node.name}-pulse`, cluster.startPulse(node));
      running.set(`${node.name}-agent`, cluster.startAgent(node));
    }
  };
  const stopPrograms = async (): Promise<void> => {
    const ended = [...running.values()].map((child) => child.exitCode === null && once(child, 'exit'));
    for (const child of running.values()) child.kill('SIGTERM');
    await Promise.all(ended);
    running.clear();
  };

  const answers = async (addresses: readonly string[]): Promise<void> => {
    const targets = addresses.map((address) => targetText('tcp', address, 80));
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const probing = startProbing(topology.client, targets);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if ((await probing.finish()).every(({ answered }) => answered >= 20)) return;
    }
    assert.fail(`${addresses.join(' and ')} do not answer`);
  };

  const allAddresses = async (): Promise<Record<string, string>> => {
    const text = await kubectl('get', 'services', '-n', shop, '-o', 'json');
    const { items } = JSON.parse(text) as { readonly items: readonly Balanced[] };
    return Object.fromEntries(items.map((service) => [service.metadata.name, addressesIn(service)]));
  };
  const hadBefore: Record<string, string> = Object.fromEntries(
    servedByMetalLb.map((service) => [service.metadata.name, addressesIn(service as Balanced)]),
  );
  const untouched = async (): Promise<void> => {
    assert.deepEqual(writes, []);
    const now = await allAddresses();
    for (const [name, addresses] of Object.entries(hadBefore)) assert.equal(now[name], addresses, name);
  };

  before(async () => {
    lab = await createLab();
    topology = standardTopology(lab);
    saved = join(lab.directory, 'saved.yaml');
    cluster = await startLabCluster(lab, topology, { configurationNamespace: namespace });
    const { controlPlane } = cluster;
    const web = topology.nodes.map((node, index) => addPod(lab, node, 1, `web-${index + 1}`));
    await startPods({ web, api: [] });
    await controlPlane.apply(
      ...web.map((pod) => podManifest(shop, pod, { app: 'web' })),
      ...servedByMetalLb,
      ...leftByMetalLb,
    );
    const patch = JSON.stringify(convertedByMetalLb);
    await kubectl('patch', 'crd', 'bgppeers.metallb.io', '--type=merge', '--patch', patch);
    const { metadata } = await controlPlane.api.call<{ metadata: { resourceVersion: string } }>(
      'GET',
      `/api/v1/namespaces/${shop}/services`,
    );
    void (async () => {
      const path = `/api/v1/namespaces/${shop}/services`;
      const { resourceVersion } = metadata;
      for await (const { type, object } of controlPlane.api.watch<Balanced>(path, {
        resourceVersion,
        signal: stopWatching.signal,
      }))
        if (type !== 'BOOKMARK' && object.metadata.name in hadBefore)
          writes.push(`${type} ${object.metadata.name}: ${addressesIn(object)}`);
    })();
  });

  after(async () => {
    stopWatching.abort();
    await lab?.[Symbol.asyncDispose]();
  });

  test('it is told that nothing changes, what is in the way, and all objects are saved', async () => {
    const found = await verdicts();
    const { code, stdout, stderr } = gantry('migrate', '--from', 'metallb', '--save', saved);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /installed by Helm \(release metallb\)/);
    for (const { metadata } of servedByMetalLb)
      assert.equal(found[`Service shop/${metadata.name}`], 'same', metadata.name);
    assert.equal(found['IPAddressPool lan'], 'same');
    assert.equal(found['BGPPeer router'], 'same');
    assert.equal(found['CustomResourceDefinition bgppeers.metallb.io'], 'note');
    assert.equal(found['ValidatingWebhookConfiguration metallb-webhook-configuration'], 'note');
    const text = readFileSync(saved, 'utf8');
    for (const name of ['lan', 'manual', 'router']) assert.match(text, new RegExp(`name: ${name}\n`));
    assert.doesNotMatch(text, /uid|resourceVersion|status|ServiceL2Status/);
  });

  test('by the steps that are printed Gantry takes over, and writes to no Service but a new one', async () => {
    const [, second, third, fourth] = (await report()).steps;
    for (const command of [...(second?.commands ?? []), ...(third?.commands ?? [])]) await perform(command);
    const found = await verdicts();
    assert.equal(found['CustomResourceDefinition bgppeers.metallb.io'], undefined);
    const leftover = 'ValidatingWebhookConfiguration metallb-webhook-configuration';
    assert.match(
      (await report()).findings.find(({ object }) => object === leftover)?.message ?? '',
      /nothing waits/,
    );
    const applied = await perform(fourth?.commands[0] ?? '', '--dry-run=server', '-o', 'name');
    assert.match(applied, /deployment.apps\/gantry-controller/);
    assert.doesNotMatch(applied, /daemonset/);
    startPrograms();
    await until('a node says that it answers', () => cluster.owner('web'), 60_000);
    await answers(await cluster.addresses('web'));
    await cluster.controlPlane.apply(serviceManifest(shop, 'new', webPorts));
    const addresses = await addressesOf(cluster, 'new');
    assert.ok(!Object.values(hadBefore).some((had) => addresses.some((address) => had.includes(address))));
    await untouched();
  });

  test('Services keep their addresses and answer while the definitions are gone, and when all is applied again', async () => {
    const addresses = await cluster.addresses('web');
    const { items } = await cluster.controlPlane.api.call<{ items: readonly ApiObject[] }>(
      'GET',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    );
    const names = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith('.metallb.io'));
    assert.ok(names.includes('ipaddresspools.metallb.io'));
    await kubectl('delete', 'customresourcedefinitions', ...names);
    const log = (): string => readFileSync(topology.neighbour.logPath('controller'), 'utf8');
    await until('it is told', () => /definition of its kind.*object-set-aside/.test(log()), 60_000);
    await answers(addresses);
    await cluster.controlPlane.apply(serviceManifest(shop, 'meanwhile', webPorts));
    await addressesOf(cluster, 'meanwhile');
    await untouched();

    await kubectl('apply', '--server-side', '-k', definitions);
    await kubectl(
      'wait',
      '--for=condition=Established',
      '--timeout=60s',
      ...names.map((name) => `crd/${name}`),
    );
    await until(
      'they can be applied',
      () =>
        kubectl('apply', '-f', saved).then(
          () => true,
          () => false,
        ),
      60_000,
    );
    const isValid = async (): Promise<boolean> => {
      const jsonpath = 'jsonpath={.status.result}';
      return (
        (await kubectl('get', 'configurationstates', 'controller', '-n', namespace, '-o', jsonpath)) ===
        'Valid'
      );
    };
    await until('nothing is wrong', () => isValid().catch(() => false), 90_000);
    await answers(addresses);
    await untouched();
  });

  test('nothing is taken back while a controller runs', () => {
    const { code, stderr } = gantry('uninstall', '--release');
    assert.equal(code, 1);
    assert.match(stderr, /runs still[\s\S]*kubectl --namespace metallb-system delete/);
  });

  test('uninstalled with the addresses kept, nothing of Gantry is left but its definitions', async () => {
    await stopPrograms();
    const all = await allAddresses();
    const rehearsal = gantry('uninstall', '--keep-addresses', '--dry-run');
    assert.match(rehearsal.stdout, /Would:[\s\S]*gantry-ledger/);
    const outcome = gantry('uninstall', '--keep-addresses');
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(await allAddresses(), all);
    assert.deepEqual(await traces(cluster), []);
    assert.match(gantry('uninstall', '--keep-addresses').stdout, /Nothing of Gantry is left/);
  });

  test('uninstalled with the addresses released, only the Service of another class has one', async () => {
    const all = await allAddresses();
    startPrograms();
    await cluster.controlPlane.apply(serviceManifest(shop, 'last', webPorts));
    await addressesOf(cluster, 'last');
    assert.deepEqual({ ...(await allAddresses()), last: '' }, { ...all, last: '' });
    await stopPrograms();
    const outcome = gantry('uninstall', '--release');
    assert.equal(outcome.code, 0, outcome.stderr);
    const now = Object.entries(await allAddresses()).filter(([, addresses]) => addresses !== '');
    assert.deepEqual(now, [['foreign', '203.0.113.9']]);
    // The writes were heard of all the time.
    await until('the release is heard of', () => writes.includes('MODIFIED web: '));
    assert.ok(!writes.some((write) => write.includes(' foreign: ')));
    assert.deepEqual(await traces(cluster), []);
    assert.match(gantry('uninstall', '--release').stdout, /Nothing of Gantry is left/);
  });
});

/** Every object of the cluster in which Gantry is named anywhere. */
async function traces({ controlPlane: { api } }: LabCluster): Promise<string[]> {
  const { groups } = await api.call<{
    readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
  }>('GET', '/apis');
  const found: string[] = [];
  for (const root of ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)]) {
    const { resources } = await api.call<{ readonly resources: readonly Listed[] }>('GET', root);
    for (const { name, kind, verbs } of resources) {
      if (!verbs.includes('list')) continue;
      const { items } = await api.call<{ readonly items: readonly ApiObject[] }>('GET', `${root}/${name}`);
      for (const item of items)
        if (/gantry/i.test(JSON.stringify(item)))
          found.push(`${kind} ${item.metadata.namespace ?? ''}/${item.metadata.name}`);
    }
  }
  return found.filter((one) => !notLeft.test(one));
}

interface Listed {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}
