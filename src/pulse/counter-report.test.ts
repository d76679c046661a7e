// Counters as listeners hear of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounterReport } from './counter-report.ts';

test('all is told to who asks for all, and otherwise only what has changed', () => {
  const a = { requestsReceived: 0, responsesSent: 0, gratuitousSent: 2 };
  const b = { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
  const report = createCounterReport(
    new Map([
      ['192.0.2.200', a],
      ['192.0.2.201', b],
    ]),
  );
  assert.equal(report.all().addresses.length, 2);
  assert.deepEqual(report.news()?.addresses, [{ address: '192.0.2.200', ...a }]);
  assert.equal(report.news(), undefined);
  b.requestsReceived = 3;
  assert.deepEqual([report.refuse('heartbeat-forged'), report.refuse('heartbeat-forged')], [1, 2]);
  assert.deepEqual(report.news(), {
    type: 'counters',
    addresses: [{ address: '192.0.2.201', ...b }],
    refused: [{ cause: 'heartbeat-forged', count: 2 }],
  });
  assert.equal(report.news(), undefined);
  assert.deepEqual(report.all().refused, [{ cause: 'heartbeat-forged', count: 2 }]);
});
