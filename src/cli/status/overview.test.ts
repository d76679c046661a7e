// Tests of what `gantry status` shows.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { advertisement, node, pool, service, slice } from '../../agent/test-world.ts';
import { nodeReport, type SnapshotParts, sampleNow, snapshotOf } from '../sample-snapshot.ts';
import { isAllWell, overviewAsJson, overviewOf, renderOverview } from './overview.ts';

const anyClass = { loadBalancerClass: undefined, required: false };
const both = { 'node-1': 'alive', 'node-2': 'dead' } as const;

const overview = (parts: SnapshotParts, policy = anyClass) =>
  overviewOf(snapshotOf(parts), policy, sampleNow);

const base = [pool(), advertisement(), node('node-1')];
const well: SnapshotParts = {
  changes: [...base, service('a', ['192.0.2.1', '2001:db8::1']), slice('a', [{ node: 'node-1' }])],
  reports: [nodeReport('node-1')],
  owners: { 'web/a': ['node-1'] },
};

test('when all is well, everything says so', () => {
  const shown = overview(well);
  assert.equal(isAllWell(shown), true);
  assert.equal(
    renderOverview(shown, new PassThrough()),
    `SERVICE  ADDRESSES              POOL  NODE    ENDPOINTS  DATA PATH  STATE      REASON
web/a    192.0.2.1,2001:db8::1  pool  node-1  1/1        ok         answering

NODE    STATE  AGENT  REPORTED  PULSE  DATA PLANE  OWNED  VERSION
node-1  alive  ok     1 s ago   ok     nftables    1      0.1.0
`,
  );
});

test('a Service’s state is the first thing that it lacks', () => {
  const failed = nodeReport('node-1', both, {
    dataPlane: {
      mode: 'nftables',
      healthy: true,
      frontends: 0,
      failedCount: 1,
      failed: [{ service: 'web/failed', kind: 'kernel-refused', message: 'Refused.' }],
    },
  });
  const ready = [{ node: 'node-1' }];
  const { services } = overview({
    changes: [
      ...base,
      ...['pending', 'new'].map((name) => service(name, [])),
      ...['answering', 'dead', 'failed', 'unheard'].flatMap((name) => [
        service(name, ['192.0.2.1']),
        slice(name, ready),
      ]),
      service('empty', ['192.0.2.1']),
      service('other', [], { loadBalancerClass: 'another/class' }),
      service('internal', [], { type: 'ClusterIP' }),
    ],
    reports: [failed],
    owners: {
      'web/answering': ['node-1'],
      'web/failed': ['node-1'],
      'web/dead': ['node-2'],
      'web/empty': ['node-1'],
    },
    complaints: { 'web/pending': 'The pool is full.' },
  });
  assert.deepEqual(
    services.map((row) => [row.service, row.state, row.owners.join(), row.reason]),
    [
      ['web/answering', 'answering', 'node-1', ''],
      ['web/dead', 'not-announced', '', 'See gantry why web/dead.'],
      ['web/empty', 'no-endpoints', 'node-1', 'It has no ready endpoint.'],
      ['web/failed', 'not-forwarded', 'node-1', 'See gantry why web/failed.'],
      ['web/new', 'pending', '', 'No controller has looked at it yet: start gantry controller.'],
      ['web/pending', 'pending', '', 'The pool is full.'],
      ['web/unheard', 'not-announced', '', 'See gantry why web/unheard.'],
    ],
  );
});

test('a node is well only with its agent, its pulse, its forwarding and its host', () => {
  const forwarding = { mode: 'nftables', frontends: 0, failedCount: 0, failed: [] } as const;
  const finding = { kind: 'strict-rp-filter', message: 'Strict.' };
  const table = [
    [true, {}],
    [true, { host: [{ severity: 'warning', ...finding }] }],
    [false, { host: [{ severity: 'error', ...finding }] }],
    [false, { updatedAt: '2026-01-31T11:00:00Z' }],
    [false, { dataPlane: { ...forwarding, healthy: false } }],
    [false, { dataPlane: { ...forwarding, healthy: true, failedCount: 2 } }],
  ] as const;
  for (const [expected, change] of table) {
    const reports = [nodeReport('node-1', { 'node-1': 'alive' }, change as object)];
    assert.equal(isAllWell(overview({ ...well, reports })), expected, JSON.stringify(change));
  }
});

test('findings and configuration problems are listed, ten at most', () => {
  const problems = Array.from({ length: 12 }, (_, index) => ({
    file: 'a.yaml',
    line: index + 1,
    kind: 'Service',
    namespace: 'web',
    name: `s${index}`,
    field: '',
    value: '',
    rule: 'It is wrong.',
    severity: 'error' as const,
  }));
  const host = [{ severity: 'error', kind: 'forwarding-off', message: 'It does not forward.' }] as const;
  const shown = overview({
    ...well,
    problems,
    reports: [nodeReport('node-1', undefined, { host: [...host] })],
  });
  assert.equal(isAllWell(shown), false);
  const text = renderOverview(shown, new PassThrough());
  assert.match(text, /^error on node-1: It does not forward\.$/m);
  assert.match(text, /^error: a\.yaml:10: Service web\/s9: It is wrong\.\nand 2 more/m);
  assert.equal(JSON.parse(overviewAsJson(shown)).problems.length, 12);
});

test('an empty folder says what is missing', () => {
  assert.equal(
    renderOverview(overview({ changes: [] }), new PassThrough()),
    'No Services of type LoadBalancer.\n\nNo node reports: start gantry agent, or gantry standalone.\n',
  );
});

test('of an address that is spread, the shares of each node are shown', () => {
  const report = nodeReport('node-1', both);
  const shown = overview({
    changes: [...base, node('node-3'), service('a', ['192.0.2.1']), slice('a', [{ node: 'node-1' }])],
    reports: [
      { ...report, pulse: { ...report.pulse, ownedShares: 9 } },
      nodeReport('node-3', { 'node-1': 'alive', 'node-3': 'alive' }),
    ],
    owners: { 'web/a': ['node-1', 'node-3'] },
    shares: { 'node-1': { '192.0.2.1': 9 }, 'node-3': { '192.0.2.1': 7 } },
  });
  assert.deepEqual(shown.services[0]?.shares, { 'node-1': 9, 'node-3': 7 });
  const text = renderOverview(shown, new PassThrough());
  assert.match(text, /node-1 9\/16,node-3 7\/16/);
  assert.match(text, /1 \(9 shares\)/);
});
