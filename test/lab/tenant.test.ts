// A tenant who may edit Services in his own namespace and nothing else: what he cannot take, and that nobody else notices
// what he writes.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, test } from 'node:test';
import { addressesOf, type LabCluster, shop, startLabCluster } from '../../lab/cluster.ts';
import type { ApiClient } from '../../lab/control-plane/api-client.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { standardTopology } from '../../lab/topology.ts';
import { seeded } from '../../src/collections/seeded.ts';

const tenant = 'tenant';
const path = `/api/v1/namespaces/${tenant}/services`;
const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
/** Somebody else's address, of a pool that is for all. */
const victim = '192.0.2.200';
/** The API server takes a minute for 4,000 Services. */
const keys = Number(process.env['GANTRY_TENANT_KEYS'] ?? 1000);
const oneFamily = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] };

interface Asked {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

interface Served {
  readonly metadata: { readonly annotations?: object };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] };
    readonly conditions?: readonly { readonly message: string }[];
  };
}

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: LabCluster;
  let api: ApiClient;
  const programs: ChildProcess[] = [];

  before(async () => {
    lab = await createLab();
    const topology = standardTopology(lab, 1);
    cluster = await startLabCluster(lab, topology, { controllers: [] });
    const [node] = topology.nodes;
    assert.ok(node);
    const { controlPlane } = cluster;
    const pools = [
      poolManifest('lan', ['192.0.2.200-192.0.2.249']),
      poolManifest('private', ['198.51.100.0/28'], { serviceAllocation: { namespaces: [shop] } }),
    ];
    for (const pool of pools)
      await controlPlane.apply({ ...pool, metadata: { ...pool.metadata, namespace: 'gantry-system' } });
    const verbs = ['create', 'update', 'patch', 'delete', 'get', 'list'];
    const account = await controlPlane.account({
      namespace: tenant,
      name: 'someone',
      namespaceRules: [{ apiGroups: [''], resources: ['services'], verbs }],
    });
    api = account.client(controlPlane.host);
    programs.push(cluster.startController(), cluster.startPulse(node), cluster.startAgent(node));
    const web = serviceManifest(shop, 'web', ports, oneFamily);
    const annotations = { 'metallb.io/allow-shared-ip': 'ours', 'metallb.io/loadBalancerIPs': victim };
    await controlPlane.apply({ ...web, metadata: { ...web.metadata, annotations } });
    assert.deepEqual(await addressesOf(cluster, 'web', 1), [victim]);
  });
  after(async () => {
    api?.[Symbol.dispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const serviceOf = (name: string, { annotations = {}, spec = {} }: Asked) => {
    const service = serviceManifest(tenant, name, ports, {
      ...oneFamily,
      allocateLoadBalancerNodePorts: false,
      ...spec,
    });
    return { ...service, metadata: { ...service.metadata, annotations } };
  };

  const ask = (name: string, asked: Asked): Promise<unknown> =>
    api.call('POST', path, serviceOf(name, asked));

  const read = (name: string): Promise<Served> => api.call<Served>('GET', `${path}/${name}`);

  /** What the status says when the controller has judged it: the addresses, or why there are none. */
  const verdict = async (name: string): Promise<string> =>
    until(
      `${name} is judged`,
      async () => {
        const { status } = await read(name);
        const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
        const reasons = (status?.conditions ?? []).map(({ message }) => message);
        return addresses.join() || reasons.join(' ') || undefined;
      },
      30_000,
    );

  const theft: readonly (readonly [title: string, asked: Asked, refusal: RegExp])[] = [
    [
      'an address that another has',
      { annotations: { 'metallb.io/loadBalancerIPs': victim } },
      /192\.0\.2\.200/,
    ],
    ['an address, by the field', { spec: { loadBalancerIP: victim } }, /192\.0\.2\.200/],
    [
      'a share of it, on a port that is taken',
      {
        annotations: {
          'metallb.io/allow-shared-ip': 'ours',
          'metallb.io/loadBalancerIPs': victim,
        },
      },
      /port/,
    ],
    ['a pool that is for others', { annotations: { 'metallb.io/address-pool': 'private' } }, /private/],
    [
      'a free address of such a pool',
      { annotations: { 'metallb.io/loadBalancerIPs': '198.51.100.9' } },
      /198\.51\.100\.9|private/,
    ],
    [
      'an address of no pool',
      { annotations: { 'metallb.io/loadBalancerIPs': '203.0.113.7' } },
      /203\.0\.113\.7/,
    ],
  ];
  for (const [index, [title, asked, refusal]] of theft.entries())
    test(`he is not given ${title}, and is told why`, async () => {
      await ask(`thief-${index}`, asked);
      const said = await verdict(`thief-${index}`);
      assert.doesNotMatch(said, /^\d+\.\d+\.\d+\.\d+$/);
      assert.match(said, refusal);
    });

  test('he cannot say in a status, or as an annotation, that he has an address', async () => {
    const status = { status: { loadBalancer: { ingress: [{ ip: victim }] } } };
    await ask('liar', { annotations: { 'metallb.io/ip-allocated-from-pool': 'private' } });
    const { status: code } = await api.request(
      'PATCH',
      `${path}/liar/status`,
      status,
      'application/merge-patch+json',
    );
    assert.equal(code, 403);
    assert.match(await verdict('liar'), /^192\.0\.2\.2\d\d$/);
    assert.deepEqual((await read('liar')).metadata.annotations, {
      'metallb.io/ip-allocated-from-pool': 'lan',
    });
  });

  test('rubbish in his Services stalls nothing: others get their addresses meanwhile', async () => {
    const random = seeded(1);
    const long = (length: number): string =>
      Array.from({ length: length / 8 }, () => random().toString(36).slice(2, 10).padEnd(8, 'x')).join('');
    const names = [
      'metallb.io/loadBalancerIPs',
      'metallb.io/allow-shared-ip',
      'metallb.io/address-pool',
      'gantry.dev/spread',
      'gantry.dev/probe',
      'metallb.universe.tf/loadBalancerIPs',
    ];
    const values = [
      () => long(40_000),
      () => '192.0.2.200,'.repeat(3000),
      () => '\u202e\u0000\n{"a":[[[[1]]]]}',
      () => '-1',
      () => '::ffff:192.0.2.1/999999999999999999999',
      () => `${long(8)}/${long(8)}`,
    ];
    const hostile = Array.from({ length: 120 }, (_, index): [string, Asked] => {
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never empty here
      const annotations = Object.fromEntries(
        Array.from({ length: 1 + Math.floor(random() * 4) }, () => [pick(names), pick(values)()]),
      );
      const spec = {
        selector: Object.fromEntries(Array.from({ length: 200 }, () => [`a${long(48)}`, long(56)])),
        ports: Array.from({ length: 100 }, (_, port) => ({
          name: `p${port}`,
          port: 65_535 - port,
          protocol: port % 2 === 0 ? 'TCP' : 'UDP',
          targetPort: `t${port}`,
        })),
      };
      return [`rubbish-${index}`, { annotations, spec }];
    });
    let refused = 0;
    for (const [name, asked] of hostile) {
      const { status } = await api.request('POST', path, serviceOf(name, asked));
      if (status >= 400) refused++;
    }
    assert.ok(refused < hostile.length / 2, `the API server itself refused ${refused}`);
    await cluster.controlPlane.apply(
      serviceManifest(shop, 'late', ports, { ...oneFamily, allocateLoadBalancerNodePorts: false }),
    );
    await addressesOf(cluster, 'late', 1);
    for (const { exitCode, signalCode } of programs) assert.deepEqual([exitCode, signalCode], [null, null]);
  });

  test(`${keys} sharing keys are as good as one: the next Service does not wait for them`, async () => {
    // All of them wait for what they cannot have.
    const asked = (index: number): Asked => ({
      annotations: {
        'metallb.io/allow-shared-ip': `key-${index}`,
        'metallb.io/loadBalancerIPs': victim,
      },
    });
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < keys) {
        const index = next++;
        await ask(`key-${index}`, asked(index));
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    await until(
      'the last is judged',
      async () => ((await read(`key-${keys - 1}`)).status?.conditions ?? []).length > 0,
      60_000,
    );
    await cluster.controlPlane.apply(
      serviceManifest(shop, 'later', ports, { ...oneFamily, allocateLoadBalancerNodePorts: false }),
    );
    await addressesOf(cluster, 'later', 1);
    assert.deepEqual(await addressesOf(cluster, 'web', 1), [victim]);
  });

  test('who changes his Service back and forth fills no event stream', async () => {
    await ask('restless', {});
    for (let turn = 0; turn < 300; turn++) {
      const annotations = { 'metallb.io/loadBalancerIPs': turn % 2 === 0 ? '203.0.113.1' : null };
      await api.call(
        'PATCH',
        `${path}/restless`,
        { metadata: { annotations } },
        'application/merge-patch+json',
      );
    }
    await until('it is judged', async () => (await verdict('restless')).startsWith('192.0.2.'), 30_000);
    const events = `/api/v1/namespaces/${tenant}/events?fieldSelector=involvedObject.name=restless`;
    const { items } = await cluster.controlPlane.api.call<{ items: readonly object[] }>('GET', events);
    assert.ok(items.length > 0 && items.length <= 50, `${items.length} events`);
  });
});
