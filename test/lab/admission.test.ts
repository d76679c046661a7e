// The webhook as it is installed: a real API server asks it by its Service, and refuses what no schema can; without it
// everything goes on.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApiObject, ApiResponse, Status } from '../../lab/control-plane/api-client.ts';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { accountOf } from '../../lab/deployment.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type Manifest, namespaceManifest, nodeManifest, podManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  addControlMachine,
  addPod,
  standardTopology,
  type Topology,
  type TopologyPod,
} from '../../lab/topology.ts';
import { fullObjects } from '../../src/api/crd/sample-objects.ts';
import { servedKinds } from '../../src/api/crd/served-kinds.ts';
import type { RawObject } from '../../src/api/record.ts';
import { configured, ownNamespace } from '../../src/api/rejections/rejection.ts';
import { rejections } from '../../src/api/rejections/table.ts';

const port = 9443;
const labels = { 'app.kubernetes.io/name': 'gantry', 'app.kubernetes.io/component': 'controller' };

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let topology: Topology;
  let cluster: ControlPlane;
  let pods: TopologyPod[];
  let replicas: ChildProcess[];
  let kubeconfig: string;

  const podOf = (pod: TopologyPod): Manifest => {
    const manifest = podManifest(ownNamespace, pod, labels);
    const ports = [{ name: 'webhook', containerPort: port }];
    const spec = { ...(manifest['spec'] as object), containers: [{ name: 'main', image: 'none', ports }] };
    return { ...manifest, spec };
  };

  const startReplica = (pod: TopologyPod): ChildProcess =>
    pod.host.spawn(
      gantryCommand('controller', '--kubeconfig', kubeconfig, '--webhook-port', `${port}`, '--http', 'off'),
      { log: 'controller', env: { GANTRY_NAMESPACE: ownNamespace, POD_NAME: pod.name } },
    );

  before(async () => {
    lab = await createLab();
    topology = standardTopology(lab, 2);
    cluster = await startControlPlane(lab, addControlMachine(lab, topology));
    await cluster.apply(
      namespaceManifest('shop'),
      ...topology.nodes.map(({ name, addresses, podCidrs }) => nodeManifest(name, addresses, podCidrs)),
    );
    await cluster.kubectl('apply', '--server-side', '-k', join(import.meta.dirname, '../../deploy'));
    for (const { plural, group, versions } of servedKinds)
      await until(`${plural} are served`, async () => {
        const path = pathOf({ apiVersion: `${group}/${versions[0]?.name}` }, plural);
        return (await cluster.api.request('GET', path)).status === 200;
      });
    ({ kubeconfig } = await cluster.account(accountOf('controller')));
    pods = topology.nodes.map((node, index) => addPod(lab, node, 5, `controller-${index}`));
    await cluster.apply(...pods.map(podOf));
    replicas = pods.map(startReplica);
    await until('it refuses', async () => (await tried(elsewhere)).status === 422, 60_000);
  });

  after(async () => {
    await cluster?.stop();
    await lab?.[Symbol.asyncDispose]();
  });

  /** Only the webhook knows which namespace counts. */
  const elsewhere = {
    ...configured('BFDProfile', 'fast', {}),
    metadata: { name: 'fast', namespace: 'shop' },
  };

  const tried = (object: RawObject): Promise<ApiResponse> =>
    cluster.api.request('POST', `${pathOf(object)}?dryRun=All`, object);

  /** What the others refer to comes first, and goes last. */
  const withObjects = async <T>(objects: readonly RawObject[], body: () => Promise<T>): Promise<T> => {
    const made: string[] = [];
    try {
      for (const object of objects.toSorted((a, b) => rankOf(a) - rankOf(b))) {
        const { metadata } = await cluster.api.call<ApiObject>('POST', pathOf(object), object);
        made.unshift(`${pathOf(object)}/${metadata.name}`);
      }
      return await body();
    } finally {
      for (const path of made) await cluster.api.call('DELETE', path);
    }
  };

  const changed = async (object: RawObject): Promise<ApiResponse> => {
    const path = `${pathOf(object)}/${(object['metadata'] as { name: string }).name}`;
    const { metadata } = await cluster.api.call<ApiObject>('GET', path);
    const { resourceVersion } = metadata;
    const whole = { ...object, metadata: { ...(object['metadata'] as object), resourceVersion } };
    return cluster.api.request('PUT', `${path}?dryRun=All`, whole);
  };

  for (const { title, object, before: former, beside = [], by, field, rule } of rejections) {
    if (by !== 'webhook') continue; // the API server refuses it before it asks
    test(`refuses: ${title}`, async () => {
      const { status, body } = await withObjects([...beside, ...(former ? [former] : [])], () =>
        former === undefined ? tried(object) : changed(object),
      );
      assert.ok(status >= 400, `it is let through: ${JSON.stringify(body)}`);
      const { message = '' } = body as Status;
      assert.match(message, /denied the request/);
      assert.ok(message.includes(field), message);
      assert.match(message, rule);
    });
  }

  test('lets through what is in order, and what is applied together', async () => {
    for (const object of fullObjects) {
      if (object['kind'] === 'BGPPeer' || object['kind'] === 'BGPAdvertisement') continue; // they need others
      const { status, body } = await tried(object);
      assert.equal(status, 201, JSON.stringify(body));
    }
    const session = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' };
    for (let round = 0; round < 10; round++) {
      const profile = configured('BFDProfile', `profile-${round}`, {});
      const peer = configured('BGPPeer', `peer-${round}`, { ...session, bfdProfile: `profile-${round}` });
      // One right after the other, as kubectl does: a peer that names what came a moment before.
      const answer = await withObjects([profile], () => tried(peer));
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
    }
  });

  test('a certificate whose key is lost is made anew, and the API server told of it', async () => {
    const secret = `/api/v1/namespaces/${ownNamespace}/secrets/gantry-webhook`;
    const { data } = await cluster.api.call<{ data: Record<string, string> }>('GET', secret);
    await cluster.api.call(
      'PATCH',
      secret,
      { data: { 'tls.key': 'bG9zdA==' } },
      'application/merge-patch+json',
    );
    for (const replica of replicas.splice(0, 1)) replica.kill('SIGKILL');
    const [first] = pods;
    assert.ok(first);
    replicas.unshift(startReplica(first));
    await until('another certificate is there', async () => {
      const now = await cluster.api.call<{ data: Record<string, string> }>('GET', secret);
      return now.data['tls.crt'] !== data['tls.crt'];
    });
    await until('it refuses again', async () => (await tried(elsewhere)).status === 422, 90_000);
  });

  test('when one replica dies the other answers, and without any nothing is held up', async () => {
    const [leader, standby] = replicas;
    const [first] = pods;
    assert.ok(leader && standby && first);
    leader.kill('SIGKILL');
    await cluster.remove(podOf(first));
    await until('the other refuses', async () => (await tried(elsewhere)).status === 422, 90_000);
    standby.kill('SIGKILL');
    await until('nobody refuses', async () => (await tried(elsewhere)).status === 201, 30_000);
    await cluster.kubectl('apply', '--server-side', '-k', join(import.meta.dirname, '../../deploy'));
    const logs = pods.map(({ host }) => readFileSync(host.logPath('controller'), 'utf8')).join('');
    assert.match(logs, /"event":"change-refused"/);
  });
});

const rankOf = ({ kind }: RawObject): number =>
  ['BGPPeer', 'BGPAdvertisement', 'L2Advertisement'].indexOf(String(kind));

function pathOf(object: RawObject, plural?: string): string {
  const { apiVersion, kind, metadata } = object as Partial<ApiObject>;
  const namespace = metadata?.namespace ?? ownNamespace;
  const found = plural ?? servedKinds.find((served) => served.kind === kind)?.plural ?? assert.fail();
  return `/apis/${apiVersion}/namespaces/${namespace}/${found}`;
}
