// Tests of the chain: a Service that works, then each thing that may go wrong, and that the first is named.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advertisement, node, pool, service, slice } from '../../agent/test-world.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { excludeFromLoadBalancersLabel } from '../../model/node.ts';
import type { ObjectProblem } from '../../model/problem.ts';
import type { Change } from '../../model/world.ts';
import { nodeReport, type SnapshotParts, sampleNow, snapshotOf } from '../sample-snapshot.ts';
import { type Chain, chainOf, firstProblem, isBroken } from './chain.ts';

const anyClass = { loadBalancerClass: undefined, required: false };
const bothAlive = { 'node-1': 'alive', 'node-2': 'alive' } as const;

/** A Service that works: two nodes, an endpoint on each, node-1 answers. */
const working: SnapshotParts & { readonly reports: readonly NodeReport[] } = {
  changes: [
    pool(),
    advertisement(),
    node('node-1'),
    node('node-2'),
    service('a', ['192.0.2.1']),
    slice('a', [{ node: 'node-1' }, { node: 'node-2' }]),
  ],
  reports: [nodeReport('node-1', bothAlive), nodeReport('node-2', bothAlive)],
  owners: { 'web/a': ['node-1'] },
};

interface Variation extends Partial<SnapshotParts> {
  /** Applied after the working World's. */
  readonly more?: readonly Change[];
}

const chain = ({ more = [], ...parts }: Variation, key = 'web/a'): Chain =>
  chainOf(
    snapshotOf({ ...working, ...parts, changes: [...(parts.changes ?? working.changes), ...more] }),
    anyClass,
    key,
    sampleNow,
  );

/** `step: verdict kind` of the first problem. */
function first(variation: Variation, key?: string): string {
  const problem = firstProblem(chain(variation, key));
  return problem === undefined ? 'none' : `${problem.step}: ${problem.verdict} ${problem.kind}`;
}

const reports = (change: Partial<NodeReport>): readonly NodeReport[] => [
  nodeReport('node-1', bothAlive, change),
  nodeReport('node-2', bothAlive),
];

const gone = (change: Change): Change => ({ ...change, object: undefined });

test('a Service that works has every step, and nothing is wrong', () => {
  const { steps, owners, addresses } = chain({});
  assert.deepEqual(
    steps.map(({ step, verdict }) => `${step} ${verdict}`),
    [
      'service ok',
      'class ok',
      'address ok',
      'pool ok',
      'endpoints ok',
      'advertisement ok',
      'candidates ok',
      'owner ok',
      'forwarding ok',
      'host ok',
    ],
  );
  assert.deepEqual([owners, addresses], [['node-1'], ['192.0.2.1']]);
  assert.equal(isBroken(chain({})), false);
});

test('the first thing wrong is named', () => {
  const away = { 'node-1': 'dead', 'node-2': 'alive' } as const;
  const onlySecond = [nodeReport('node-2', away)];
  const excluded = { labels: { [excludeFromLoadBalancersLabel]: '' } };
  const one = node('node-1');
  const two = node('node-2');
  assert.ok(one.object !== undefined && two.object !== undefined);
  const local = service('a', ['192.0.2.1'], { externalTrafficPolicy: 'Local' });
  const table: readonly (readonly [string, Variation])[] = [
    ['service: wrong service-not-found', { more: [gone(service('a', []))] }],
    ['class: wrong not-load-balancer', { more: [service('a', [], { type: 'ClusterIP' })] }],
    ['class: wrong other-class', { more: [service('a', [], { loadBalancerClass: 'other/class' })] }],
    ['address: wrong no-pools', { more: [gone(pool()), service('a', [])] }],
    ['address: wrong address-not-written', { more: [service('a', [])] }],
    ['endpoints: wrong no-endpoints', { more: [slice('a', [])] }],
    ['endpoints: wrong no-ready-endpoints', { more: [slice('a', [{ node: 'node-1', ready: false }])] }],
    ['advertisement: wrong no-advertisement', { more: [gone(advertisement())] }],
    [
      'candidates: wrong no-candidate',
      {
        more: [
          { ...one, object: { ...one.object, ...excluded } },
          { ...two, object: { ...two.object, networkUnavailable: true } },
        ],
      },
    ],
    [
      'candidates: wrong no-agent',
      { changes: working.changes.slice(0, 2).concat(working.changes.slice(4)), reports: [], owners: {} },
    ],
    ['owner: wrong no-agent', { reports: [], owners: {} }],
    ['owner: wrong nobody-answers', { owners: {} }],
    ['owner: wrong nobody-answers', { reports: onlySecond }],
    [
      'owner: wrong agent-silent',
      {
        owners: {},
        reports: working.reports.map((report) => ({ ...report, updatedAt: '2026-01-31T11:00:00Z' })),
      },
    ],
    [
      'owner: wrong pulse-not-connected',
      {
        owners: {},
        reports: working.reports.map((report) => ({
          ...report,
          pulse: { ...report.pulse, connected: false },
        })),
      },
    ],
    ['owner: warning several-owners', { owners: { 'web/a': ['node-1', 'node-2'] } }],
    ['owner: warning agent-silent', { reports: reports({ updatedAt: '2026-01-31T11:59:00Z' }) }],
    [
      'candidates: wrong no-live-candidate',
      { more: [gone(two)], reports: [nodeReport('node-3', { 'node-3': 'alive', 'node-1': 'dead' })] },
    ],
    [
      'forwarding: wrong data-plane-failing',
      {
        reports: reports({
          dataPlane: {
            mode: 'nftables',
            healthy: false,
            frontends: 0,
            failedCount: 0,
            failed: [],
            lastError: 'EPERM',
          },
        }),
      },
    ],
    [
      'forwarding: wrong kernel-refused',
      {
        reports: reports({
          dataPlane: {
            mode: 'nftables',
            healthy: true,
            frontends: 0,
            failedCount: 1,
            failed: [{ service: 'web/a', kind: 'kernel-refused', message: 'the kernel refused.' }],
          },
        }),
      },
    ],
    [
      'none',
      {
        reports: reports({
          dataPlane: { mode: 'none', healthy: true, frontends: 0, failedCount: 0, failed: [] },
        }),
      },
    ],
    ['forwarding: wrong no-local-endpoints', { more: [local, slice('a', [{ node: 'node-2' }])] }],
    [
      'host: wrong forwarding-off',
      {
        reports: reports({
          host: [
            { severity: 'warning', kind: 'strict-rp-filter', message: 'Strict.' },
            { severity: 'error', kind: 'forwarding-off', message: 'Off.' },
          ],
        }),
      },
    ],
    [
      'host: warning strict-rp-filter',
      { reports: reports({ host: [{ severity: 'warning', kind: 'strict-rp-filter', message: 'Strict.' }] }) },
    ],
    [
      'endpoints: warning only-endpoints-on-dead-nodes',
      { more: [slice('a', [{ node: 'node-1' }])], reports: onlySecond, owners: { 'web/a': ['node-2'] } },
    ],
  ];
  for (const [expected, variation] of table) assert.equal(first(variation), expected);
});

test('a dead owner is no owner, and who took over is', () => {
  const reported = [nodeReport('node-2', { 'node-1': 'dead', 'node-2': 'alive' })];
  const { owners } = chain({ reports: reported, owners: { 'web/a': ['node-1', 'node-2'] } });
  assert.deepEqual(owners, ['node-2']);
});

test('a Service that is set aside shows where its error is, an outdated one only warns', () => {
  const problem: ObjectProblem = {
    file: 'a.yaml',
    line: 7,
    kind: 'Service',
    namespace: 'web',
    name: 'a',
    field: 'spec.type',
    value: '"Balancer"',
    rule: 'This must be a type.',
    severity: 'error',
  };
  assert.equal(first({ problems: [problem] }), 'service: warning service-outdated');
  assert.equal(isBroken(chain({ problems: [problem] })), false);
  const aside = chain({ problems: [problem], more: [gone(service('a', []))] });
  assert.match(aside.steps[0]?.message ?? '', /a\.yaml:7: Service web\/a: spec\.type: "Balancer": This must/);
  assert.equal(isBroken(aside), true);
});

test('a misspelt name leads to the right one', () => {
  assert.match(chain({}, 'wbe/a').steps[0]?.message ?? '', /did you mean web\/a\?$/);
});

test('an endpoint that fails a check of ours is not counted, and its failure is shown', () => {
  const failing = {
    unhealthyCount: 1,
    unhealthyEndpoints: [
      { service: 'web/a', address: '203.0.113.2', port: 8080, kind: 'probe-refused', message: 'refused' },
    ],
  };
  const { object, ...rest } = slice('a', [{ node: 'node-1' }, { node: 'node-2' }]);
  assert.ok(object !== undefined);
  const healthCheck = {
    type: 'tcp',
    portName: undefined,
    path: '',
    intervalMilliseconds: 1000,
    timeoutMilliseconds: 500,
    failureThreshold: 3,
  } as const;
  const checked: Change = { ...rest, object: { ...object, healthCheck } };
  const step = chain({ more: [checked], reports: reports(failing) }).steps.find(
    (one) => one.step === 'endpoints',
  );
  assert.equal(step?.message, '1 endpoint is ready.');
  assert.deepEqual(step?.details, ['node-1: 1 ready', 'node-2: 1 failing', '203.0.113.2 port 8080: refused']);
});

test('a folder without Node objects is judged by the nodes that report', () => {
  const changes = working.changes.filter(({ kind }) => kind !== 'Node');
  assert.equal(first({ changes, reports: [nodeReport('node-1')] }), 'none');
});

test('of an address that is spread, several owners are right, each with its shares', () => {
  const owners = { 'web/a': ['node-1', 'node-2'] };
  const shares = { 'node-1': { '192.0.2.1': 9 }, 'node-2': { '192.0.2.1': 7 } };
  const shown = chain({ more: [advertisement(true)], owners, shares });
  assert.equal(firstProblem(shown), undefined);
  const messages = shown.steps.map(({ message }) => message).join('\n');
  assert.match(
    messages,
    /Most wanted first, 192\.0\.2\.1: .* \(spread in shares over those that are wanted alike\)/,
  );
  assert.match(
    messages,
    /Answered for by node-1 on eth0 \(9 of 16 shares of 192\.0\.2\.1\) and node-2 on eth0 \(7 of 16/,
  );
});
