// How MetalLB is recognized by its workloads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installationOf } from './installation.ts';
import { sampleApiObject } from './sample-metallb.ts';

const workload = (kind: string, name: string, metadata: object, args: readonly string[] = []) =>
  sampleApiObject('apps/v1', kind, name, {
    metadata,
    spec: { template: { spec: { containers: [{ name, args }] } } },
  });

test('the chart is recognized by its names and its release', () => {
  const metadata = (component: string) => ({
    labels: { 'app.kubernetes.io/name': 'metallb', 'app.kubernetes.io/component': component },
    annotations: { 'meta.helm.sh/release-name': 'lb' },
  });
  const { installer, workloads, policy } = installationOf([
    workload('Deployment', 'lb-metallb-controller', metadata('controller'), ['--lb-class=example.com/lb']),
    workload('DaemonSet', 'lb-metallb-speaker', metadata('speaker'), ['--lb-class', 'example.com/lb']),
    workload('Deployment', 'web', {}, ['--lb-class=example.com/none']),
  ]);
  assert.deepEqual(installer, { by: 'helm', release: 'lb' });
  assert.deepEqual(
    workloads.map(({ name }) => name),
    ['lb-metallb-controller', 'lb-metallb-speaker'],
  );
  assert.deepEqual(policy, { loadBalancerClass: 'example.com/lb', required: true });
});

test('the manifests are recognized by their labels, and serve Services without a class', () => {
  const labels = { app: 'metallb', component: 'speaker' };
  const { installer, policy } = installationOf([workload('DaemonSet', 'speaker', { labels })]);
  assert.deepEqual(installer, { by: 'manifests' });
  assert.deepEqual(policy, { loadBalancerClass: undefined, required: false });
});

test('the operator is recognized by the owner of what it has made', () => {
  const labels = { app: 'metallb', component: 'controller' };
  const ownerReferences = [{ kind: 'MetalLB', name: 'metallb' }];
  const { installer } = installationOf([workload('Deployment', 'controller', { labels, ownerReferences })]);
  assert.deepEqual(installer, { by: 'operator' });
});
