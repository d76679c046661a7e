// An explanation gives the outcome and a verdict on every pool, read from the World alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleAddress, sampleService } from '../model/sample.ts';
import type { Service } from '../model/service.ts';
import { type Explanation, explain, verdictClause } from './explain.ts';
import { sampleAllocation, samplePool, sampleWorld } from './sample.ts';
import { anyClass } from './sample-scene.ts';

const pools = [
  samplePool('full', ['192.0.2.1'], { serviceAllocation: sampleAllocation({ priority: 1 }) }),
  samplePool('reserved', ['192.0.2.2'], { autoAssign: false }),
  samplePool('six', ['2001:db8::/64']),
  samplePool('wide', ['198.51.100.0/24'], { serviceAllocation: sampleAllocation({ priority: 2 }) }),
  samplePool('wider', ['198.18.0.0/24'], { serviceAllocation: sampleAllocation({ priority: 3 }) }),
];
const holder = sampleService('a/holder', {
  allocated: { addresses: [sampleAddress('192.0.2.1')], pool: 'full' },
});

function explained(service: Service): Explanation {
  const explanation = explain(anyClass, sampleWorld(pools, [holder, service]), service.key);
  assert.ok(explanation);
  return explanation;
}

const verdicts = ({ pools: considered }: Explanation): Record<string, string> =>
  Object.fromEntries(considered.map(({ pool, verdict }) => [pool, verdictClause(verdict)]));

test('why this pool: those before it could not, those after it could as well', () => {
  const explanation = explained(sampleService('a/s'));
  assert.equal(explanation.outcome.kind, 'allocated');
  assert.equal(explanation.written, false);
  assert.deepEqual(verdicts(explanation), {
    full: 'its only IPv4 address is in use',
    wide: 'is the first that can give what the Service wants',
    wider: 'could serve it as well',
    reserved: 'gives addresses only to who asks for it (autoAssign is false)',
    six: 'has no IPv4 addresses',
  });
  assert.deepEqual(
    explanation.pools.map(({ pool }) => pool),
    ['full', 'wide', 'wider', 'reserved', 'six'],
  );
});

test('a Service that is written as it is decided says so, and keeps what it has', () => {
  const allocated = { addresses: [sampleAddress('198.18.0.9')], pool: 'wider' };
  const explanation = explained(sampleService('a/s', { allocated }));
  assert.equal(explanation.written, true);
  assert.equal(verdicts(explanation)['wider'], 'has the address that the Service has had, which it keeps');
  assert.equal(verdicts(explanation)['wide'], 'could serve it as well');
});

test('a Service that asks for a pool or an address is explained by that', () => {
  const byPool = explained(sampleService('a/s', {}, { pool: 'reserved' }));
  assert.equal(verdicts(byPool)['reserved'], 'is the pool that the Service asks for');
  assert.equal(verdicts(byPool)['wide'], 'the Service asks for another pool, or for an address of another');
  const byAddress = explained(sampleService('a/s', {}, { addresses: [sampleAddress('192.0.2.1')] }));
  assert.equal(byAddress.outcome.kind, 'refused');
  assert.equal(verdicts(byAddress)['full'], 'cannot give the address that the Service asks for');
});

test('a Service that is not ours needs no pools, and one that is not there has no explanation', () => {
  assert.deepEqual(explained(sampleService('a/s', { type: 'ClusterIP' })).pools, []);
  assert.equal(explain(anyClass, sampleWorld(pools), 'a/none'), undefined);
});
