// deploy/ on a real API server: all of it is accepted, in both namespaces, and programs have the rights that it gives.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { missingRights, unusedRights } from '../../lab/control-plane/rights.ts';
import { accountOf, deployed, podOf, programs, workloadOf } from '../../lab/deployment.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { namespaceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addControlMachine, standardTopology } from '../../lab/topology.ts';

const deploy = join(import.meta.dirname, '../../deploy');

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: ControlPlane;
  const objects = deployed().map(({ object }) => object);

  before(async () => {
    lab = await createLab();
    const machine = addControlMachine(lab, standardTopology(lab, 1));
    cluster = await startControlPlane(lab, machine, { controllers: [], isAudited: true });
  });

  after(async () => {
    await cluster?.stop();
    await lab?.[Symbol.asyncDispose]();
  });

  test('kubectl applies it, and finds nothing to change when it does so again', async () => {
    await cluster.kubectl('apply', '--server-side', '-k', deploy);
    const versions = async (): Promise<(string | undefined)[]> =>
      Promise.all(objects.map(async (object) => (await cluster.find(object))?.metadata.resourceVersion));
    const before = await versions();
    assert.ok(before.every((version) => version !== undefined));
    await cluster.kubectl('apply', '--server-side', '-k', deploy);
    assert.deepEqual(await versions(), before);
  });

  test('the overlay installs the same where the objects of MetalLB are, and its webhook leads there', async () => {
    // Definitions and what else is cluster-wide are then those of the overlay.
    await cluster.kubectl('apply', '--server-side', '-k', join(deploy, 'metallb'));
    const namespace = 'metallb-system';
    for (const object of objects.filter(({ metadata }) => metadata.namespace !== undefined)) {
      const there = { ...object, metadata: { ...object.metadata, namespace } };
      assert.ok(await cluster.find(there), `${object.kind} ${object.metadata.name}`);
    }
    const bindings = await cluster.kubectl(
      'get',
      'clusterrolebindings',
      '-l',
      'app.kubernetes.io/part-of=gantry',
      '-o',
      'jsonpath={.items[*].subjects[*].namespace}',
    );
    assert.deepEqual(new Set(bindings.split(' ')), new Set([namespace]));
    const webhooks = await cluster.kubectl(
      'get',
      'validatingwebhookconfigurations',
      'gantry',
      '-o',
      'jsonpath={.webhooks[*].clientConfig.service.namespace}',
    );
    assert.deepEqual(new Set(webhooks.split(' ')), new Set([namespace]));
    await cluster.kubectl('apply', '--server-side', '-k', deploy);
  });

  test('the namespace takes the pods, which one without its labels and with the usual level does not', async () => {
    const baseline = namespaceManifest('shop');
    await cluster.apply({
      ...baseline,
      metadata: { ...baseline.metadata, labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
    });
    for (const program of programs) {
      const { metadata, spec } = podOf(workloadOf(objects, program));
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, generateName: 'try-' }, spec };
      const tried = (namespace: string) =>
        cluster.api.request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
      const { status, body } = await tried('gantry-system');
      assert.equal(status, 201, JSON.stringify(body));
      if (program !== 'controller') assert.equal((await tried('shop')).status, 403);
    }
  });

  test('the clean-up is accepted, too', async () => {
    const file = join(deploy, 'cleanup.yaml');
    await cluster.kubectl('apply', '--dry-run=server', '--namespace', 'gantry-system', '--filename', file);
  });

  test('an account has the rights that deploy/ gives it and no others, and what it used is on record', async () => {
    const rights = accountOf('agent');
    const account = await cluster.account(rights);
    using client = account.client(cluster.host);
    const statusOf = async (method: 'GET' | 'PATCH', path: string, body?: object): Promise<number> =>
      (await client.request(method, path, body, 'application/apply-patch+yaml')).status;
    const own = '/apis/metallb.io/v1beta1/namespaces/gantry-system';
    // Rights are in force, and new kinds served, a moment after they were written.
    for (const path of ['/api/v1/services', `${own}/ipaddresspools`])
      await until(`${path} is allowed`, async () => (await statusOf('GET', path)) === 200);
    const before = cluster.requests().length;
    assert.equal(await statusOf('GET', '/apis/metallb.io/v1beta1/namespaces/shop/ipaddresspools'), 403);
    assert.equal(await statusOf('GET', '/api/v1/namespaces/gantry-system/secrets/gantry-membership'), 403);
    const report = { apiVersion: 'metallb.io/v1beta1', kind: 'ServiceL2Status', metadata: { name: 'l2-1' } };
    const apply = `${own}/servicel2statuses/l2-1?fieldManager=gantry`;
    assert.equal(await statusOf('PATCH', apply, report), 201);
    const soon = AbortSignal.timeout(500);
    for await (const _ of client.watch('/api/v1/nodes', { signal: soon })) break;

    const requests = cluster.requests();
    assert.deepEqual(missingRights(rights, requests.slice(before)), [
      'list ipaddresspools.metallb.io in shop',
      'get gantry-membership of secrets in gantry-system',
    ]);
    const used = unusedRights(rights, []).filter((right) => !unusedRights(rights, requests).includes(right));
    assert.deepEqual(used, [
      'list services',
      'watch nodes',
      'list ipaddresspools.metallb.io in gantry-system',
      'create servicel2statuses.metallb.io in gantry-system',
      'patch servicel2statuses.metallb.io in gantry-system',
    ]);
  });
});
