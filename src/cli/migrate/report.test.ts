// What `gantry migrate` says of a cluster: findings about objects and leftovers, the steps, and what is saved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { MetalLb } from './metallb.ts';
import { changesNothing, renderReport, reportAsJson, reportOn } from './report.ts';
import { sampleApiObject, sampleMetalLb } from './sample-metallb.ts';
import { savedText } from './saved.ts';

const pool = sampleApiObject('metallb.io/v1beta1', 'IPAddressPool', 'lan', {
  metadata: {
    uid: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [{ manager: 'kubectl' }],
    labels: { team: 'net' },
    annotations: { note: 'ours', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
  },
  spec: { addresses: ['192.0.2.0/28'] },
  status: { assignedIPv4: 1 },
});
const peer = sampleApiObject('metallb.io/v1beta2', 'BGPPeer', 'router', { spec: { myASN: 64500 } });

const told = (metallb: MetalLb): string[] =>
  reportOn(metallb).findings.map(({ object, verdict, message }) => `${verdict} ${object} ${message}`);

test('an object without a problem carries over, and one that is set aside is told with its field', () => {
  const problem = {
    file: '',
    line: undefined,
    kind: 'IPAddressPool',
    namespace: 'metallb-system',
    name: 'lan',
    field: 'spec.addresses[0]',
    value: '"x"',
    rule: 'Correct it.',
    severity: 'error',
  } as const;
  assert.deepEqual(told(sampleMetalLb({ objects: [pool] })), ['same IPAddressPool lan carries over']);
  const set = sampleMetalLb({ objects: [pool], problems: [problem] });
  assert.deepEqual(told(set), [
    'changes IPAddressPool lan is set aside: spec.addresses[0]: "x": Correct it.',
  ]);
  assert.equal(changesNothing(reportOn(set)), false);
  assert.equal(changesNothing(reportOn(sampleMetalLb({ objects: [pool] }))), true);
});

test('an object of another namespace configures nothing, and an AddressPool is no more', () => {
  const elsewhere = sampleApiObject('metallb.io/v1beta1', 'IPAddressPool', 'x', {
    metadata: { namespace: 'default' },
  });
  const old = sampleApiObject('metallb.io/v1beta1', 'AddressPool', 'old');
  const lines = told(sampleMetalLb({ objects: [elsewhere, old] }));
  assert.match(lines[0] ?? '', /^note IPAddressPool default\/x .*neither/);
  assert.match(lines[1] ?? '', /^changes AddressPool old .*IPAddressPool/);
});

test('raw configuration of FRR is told to be lost, wherever it is', () => {
  const raw = sampleApiObject('frrk8s.metallb.io/v1beta1', 'FRRConfiguration', 'more', {
    spec: { raw: { rawConfig: 'router bgp 64500' } },
  });
  const lines = told(
    sampleMetalLb({ objects: [raw], configMaps: ['bgpextras', 'metallb-excludel2', 'other'] }),
  );
  assert.deepEqual(
    lines.map((line) => line.split(' ').slice(0, 3).join(' ')),
    ['changes FRRConfiguration more', 'changes ConfigMap bgpextras', 'note ConfigMap metallb-excludel2'],
  );
});

const leftovers = {
  definitions: [
    sampleApiObject('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'bgppeers.metallb.io', {
      spec: {
        conversion: {
          strategy: 'Webhook',
          webhook: {
            clientConfig: {
              caBundle: 'AAAA',
              service: { namespace: 'metallb-system', name: 'webhook-service' },
            },
          },
        },
      },
    }),
  ],
  webhooks: [
    sampleApiObject('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'metallb', {
      webhooks: [{ failurePolicy: 'Fail' }],
    }),
  ],
};

test('webhooks that nobody will answer are told, and a step takes them away', () => {
  const report = reportOn(sampleMetalLb(leftovers));
  assert.deepEqual(
    report.findings.map(({ verdict, object }) => `${verdict} ${object}`),
    ['note CustomResourceDefinition bgppeers.metallb.io', 'note ValidatingWebhookConfiguration metallb'],
  );
  const commands = report.steps.flatMap((step) => step.commands).join('\n');
  assert.match(
    commands,
    /patch validatingwebhookconfiguration\/metallb .*\/webhooks\/0\/failurePolicy","value":"Ignore"/,
  );
  assert.match(commands, /patch customresourcedefinition\/bgppeers.metallb.io .*"strategy":"None"/);
  const back = report.steps.flatMap((step) => step.back).join('\n');
  assert.match(back, /bgppeers.metallb.io .*"strategy":"Webhook".*"name":"webhook-service"/);
  assert.doesNotMatch(back, /caBundle/);
});

test('a finalizer is told', () => {
  const held = sampleApiObject('metallb.io/v1beta1', 'Community', 'c', {
    metadata: { finalizers: ['example.com/hold'] },
  });
  assert.match(
    told(sampleMetalLb({ objects: [held] })).join(),
    /note Community c has finalizers \(example.com/,
  );
});

test('the steps save the objects first, and Helm never uninstalls', () => {
  const report = reportOn(
    sampleMetalLb({
      installation: {
        installer: { by: 'helm', release: 'lb' },
        workloads: [
          { kind: 'Deployment', name: 'lb-controller', component: 'controller', selector: 'of=controller' },
          { kind: 'DaemonSet', name: 'lb-speaker', component: 'speaker', selector: 'of=speaker' },
        ],
        policy: { loadBalancerClass: 'example.com/lb', required: true },
      },
    }),
  );
  const commands = report.steps.flatMap((step) => step.commands);
  const at = (pattern: RegExp): number => commands.findIndex((command) => pattern.test(command));
  const order = [
    at(/migrate .*--save/),
    at(/scale deployment\/lb-controller --replicas=0/),
    at(/notin \(agent,pulse\)/),
    at(/patch daemonset\/lb-speaker/),
    at(/wait --for=delete pods --selector of=speaker/),
    at(/apply --server-side -k deploy\/metallb$/),
    at(/delete secrets --selector owner=helm,name=lb/),
    at(/delete daemonset\/lb-speaker/),
  ];
  assert.ok(!order.includes(-1), order.join());
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(at(/helm uninstall/), -1);
  assert.match(report.steps.map(({ title }) => title).join(), /--load-balancer-class=example.com\/lb/);
});

test('what is printed names each object, and each command as it is to be typed', () => {
  const report = reportOn(sampleMetalLb({ objects: [pool], ...leftovers }));
  const text = renderReport(report, process.stdout);
  assert.match(text, /✓ +IPAddressPool lan +carries over/);
  for (const command of report.steps.flatMap((step) => step.commands)) assert.ok(text.includes(command));
  assert.equal(JSON.parse(reportAsJson(report)).ok, true);
});

test('what is saved is what a person wrote, in the order in which it can be applied', () => {
  const documents = parseAllDocuments(savedText([peer, pool])).map((document) => document.toJS());
  assert.deepEqual(documents, [
    {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: {
        name: 'lan',
        namespace: 'metallb-system',
        labels: { team: 'net' },
        annotations: { note: 'ours' },
      },
      spec: { addresses: ['192.0.2.0/28'] },
    },
    {
      apiVersion: 'metallb.io/v1beta2',
      kind: 'BGPPeer',
      metadata: { name: 'router', namespace: 'metallb-system' },
      spec: { myASN: 64500 },
    },
  ]);
});
