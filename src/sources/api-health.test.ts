// What is told of the watches of an API: the beginning and the end of an outage, once each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectionNotice } from '../kubernetes/watch-collection.ts';
import { createApiHealth } from './api-health.ts';

const failed: CollectionNotice = {
  kind: 'failed',
  reason: { kind: 'unreachable', at: 'GET https://192.0.2.2:6443/', cause: 'ECONNREFUSED' },
  retryMilliseconds: 250,
};
const resumed: CollectionNotice = { kind: 'resumed', version: '7' };

test('an outage is told once, as is its end; a connection that ends and is made anew is none', () => {
  const told: string[] = [];
  const tell = createApiHealth({
    failing: (kind, why) => told.push(`${kind}: ${why.includes('ECONNREFUSED')}`),
    recovered: () => told.push('recovered'),
  });
  tell('Service', failed);
  tell('Service', resumed);
  assert.deepEqual(told, []);
  for (let count = 0; count < 3; count += 1) for (const kind of ['Node', 'Service']) tell(kind, failed);
  assert.deepEqual(told, ['Node: true']);
  tell('Node', resumed);
  assert.deepEqual(told, ['Node: true']);
  tell('Service', resumed);
  assert.deepEqual(told, ['Node: true', 'recovered']);
});
