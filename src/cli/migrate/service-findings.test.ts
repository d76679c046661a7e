// What is told of each Service's addresses: that the planner keeps them, or why it would not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClassPolicy } from '../../ipam/class-policy.ts';
import { samplePool, sampleWorld } from '../../ipam/sample.ts';
import { sampleAddress, sampleService } from '../../model/sample.ts';
import type { Service } from '../../model/service.ts';
import { serviceFindings } from './service-findings.ts';

const without: ClassPolicy = { loadBalancerClass: undefined, required: false };
const pool = samplePool('lan', ['192.0.2.0/28']);

const balanced = (name: string, addresses: readonly string[], change: Partial<Service> = {}): Service => ({
  ...sampleService(`shop/${name}`),
  allocated: { addresses: addresses.map(sampleAddress), pool: undefined },
  ...change,
});

const told = (services: readonly Service[], policy = without): string[] =>
  serviceFindings(sampleWorld([pool], services), policy).map(
    ({ object, verdict, message }) => `${verdict} ${object} ${message}`,
  );

test('an address of a pool is kept, whichever it is', () => {
  assert.deepEqual(told([balanced('web', ['192.0.2.9'])]), [
    'same Service shop/web keeps 192.0.2.9 of the pool lan',
  ]);
});

test('an address of no pool would be given up for another, and it is told why', () => {
  const [line] = told([balanced('web', ['203.0.113.9'])]);
  assert.match(
    line ?? '',
    /^changes Service shop\/web has 203.0.113.9, and gets 192.0.2.0: .*in no IPAddressPool/,
  );
});

test('of two Services with one address that they may not share, one would lose it', () => {
  const lines = told([balanced('a', ['192.0.2.9']), balanced('b', ['192.0.2.9'])]);
  assert.match(lines[0] ?? '', /^same Service shop\/a keeps 192.0.2.9/);
  assert.match(
    lines[1] ?? '',
    /^changes Service shop\/b has 192.0.2.9, and gets .*in use by the Service shop\/a/,
  );
});

test('a Service that waits would get an address', () => {
  assert.match(told([balanced('web', [])])[0] ?? '', /^changes Service shop\/web gets 192.0.2.0 /);
});

test('a Service of another class is left alone, and others are not spoken of', () => {
  const foreign = balanced('foreign', ['203.0.113.9'], { loadBalancerClass: 'example.com/other' });
  assert.deepEqual(told([foreign, balanced('inner', [], { type: 'ClusterIP' })]), [
    'same Service shop/foreign is of another load balancer, and left alone',
  ]);
});

test('with the class that MetalLB serves alone, a Service without one is left alone', () => {
  const policy = { loadBalancerClass: 'example.com/lb', required: true };
  assert.match(told([balanced('web', ['192.0.2.9'])], policy)[0] ?? '', /left alone/);
});
