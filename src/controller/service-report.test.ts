// Each decision becomes the conditions and the events that people read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision, Outcome } from '../ipam/outcome.ts';
import { sampleAddress } from '../model/sample.ts';
import type { Allocated } from '../model/service.ts';
import { conditionsOf, eventsOf, timed } from './service-report.ts';

const four = sampleAddress('192.0.2.1');
const six = sampleAddress('2001:db8::1');
const nothing: Allocated = { addresses: [], pool: undefined };
const had: Allocated = { addresses: [four], pool: 'p' };
const full = { kind: 'pool-exhausted', pool: 'p', family: 'IPv6', size: 3n, strangers: 0 } as const;
const allocated = (shortfall?: typeof full): Outcome => ({
  kind: 'allocated',
  assignment: { addresses: shortfall ? [four] : [four, six], pool: 'p' },
  shortfall,
});
const decision = (outcome: Outcome, change: Partial<Decision> = {}): Decision => ({
  service: 'a/s',
  outcome,
  changed: true,
  before: nothing,
  lost: [],
  ...change,
});
const told = (each: Decision): string[] => eventsOf(each).map(({ type, reason }) => `${type} ${reason}`);

test('an allocation is a condition that holds and an event that names addresses and pool', () => {
  assert.deepEqual(conditionsOf(allocated()), [
    {
      type: 'gantry.dev/Allocated',
      status: 'True',
      reason: 'Allocated',
      message: 'Has 192.0.2.1 and 2001:db8::1 from the pool p.',
    },
  ]);
  assert.deepEqual(eventsOf(decision(allocated())), [
    {
      type: 'Normal',
      reason: 'IPAllocated',
      message: 'Assigned 192.0.2.1 and 2001:db8::1 from the pool p.',
    },
  ]);
});

test('a refusal is a condition that does not hold, with the reason’s name and sentence', () => {
  const outcome: Outcome = { kind: 'refused', reason: full };
  const [condition] = conditionsOf(outcome);
  assert.equal(condition?.status, 'False');
  assert.equal(condition?.reason, 'PoolExhausted');
  assert.match(condition?.message ?? '', /The pool p is exhausted/);
  assert.deepEqual(told(decision(outcome)), ['Warning AllocationFailed']);
  const invalid: Outcome = { kind: 'refused', reason: { kind: 'invalid-request', problem: 'x: remove it.' } };
  assert.deepEqual(told(decision(invalid)), ['Warning LoadBalancerFailed']);
});

test('a second address that is missing is a condition and an event of its own', () => {
  assert.deepEqual(
    conditionsOf(allocated(full)).map(({ type, status }) => `${type} ${status}`),
    ['gantry.dev/Allocated True', 'gantry.dev/AsRequested False'],
  );
  assert.deepEqual(told(decision(allocated(full))), ['Normal IPAllocated', 'Warning AdditionalAssignFailed']);
  assert.deepEqual(told(decision(allocated(full), { before: had })), ['Warning AdditionalAssignFailed']);
  assert.deepEqual(told(decision(allocated(), { before: had })), ['Normal IPAllocated']);
});

test('an address that is given up is told with its reason', () => {
  const lost = [{ address: four, reason: { kind: 'address-not-in-pools', address: four } as const }];
  const [cleared] = eventsOf(
    decision({ kind: 'refused', reason: { kind: 'no-pools' } }, { before: had, lost }),
  );
  assert.equal(cleared?.reason, 'ClearAssignment');
  assert.match(
    cleared?.message ?? '',
    /^Gave up 192\.0\.2\.1\. The address 192\.0\.2\.1 is in no IPAddressPool/,
  );
  const reason = { kind: 'not-load-balancer', type: 'ClusterIP' } as const;
  const turned = decision({ kind: 'not-ours', reason }, { before: had, lost: [{ address: four, reason }] });
  assert.deepEqual(told(turned), ['Normal ClearAssignment']);
});

test('what did not change, and what is gone, is no news', () => {
  assert.deepEqual(eventsOf(decision(allocated(), { changed: false })), []);
  assert.deepEqual(eventsOf(decision({ kind: 'gone' }, { before: had })), []);
});

test('a condition keeps the time at which it last turned', () => {
  const first = timed(conditionsOf(allocated()), [], '2026-01-01T00:00:00Z');
  const second = timed(conditionsOf(allocated(full)), first, '2026-01-02T00:00:00Z');
  assert.deepEqual(
    second.map(({ lastTransitionTime }) => lastTransitionTime),
    ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
  );
  const third = timed(conditionsOf({ kind: 'refused', reason: full }), second, '2026-01-03T00:00:00Z');
  assert.equal(third[0]?.lastTransitionTime, '2026-01-03T00:00:00Z');
});
