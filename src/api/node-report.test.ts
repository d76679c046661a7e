// Tests of the NodeReport's shape on its way through JSON.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeReport, readNodeReport, renderNodeReport } from './node-report.ts';

const report: NodeReport = {
  node: 'node-1',
  version: '0.1.0',
  updatedAt: '2026-01-31T12:00:00.000Z',
  reportIntervalSeconds: 10,
  pulse: {
    connected: true,
    version: '0.1.0',
    members: [{ name: 'node-1', state: 'alive', interfaces: ['eth0'] }],
    announced: 3,
    owned: 1,
  },
  dataPlane: { mode: 'nftables', healthy: true, frontends: 4, failedCount: 0, failed: [] },
  host: [{ severity: 'error', kind: 'forwarding-off', message: 'It does not forward.' }],
  unhealthyCount: 0,
  unhealthyEndpoints: [],
};

test('a report is read back as it was written', () => {
  assert.deepEqual(readNodeReport(JSON.parse(JSON.stringify(renderNodeReport(report)))), report);
});

test('a report of another shape is no report', () => {
  assert.equal(readNodeReport({ ...renderNodeReport(report), status: { node: 'node-1' } }), undefined);
  assert.equal(readNodeReport({ ...renderNodeReport(report), status: undefined }), undefined);
});
