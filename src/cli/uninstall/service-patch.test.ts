// What is taken off a Service: Gantry's own marks, and the addresses only where they are released and of its pools.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplePool } from '../../ipam/sample.ts';
import { type ApiObject, asApiObject } from '../../kubernetes/api-object.ts';
import { sampleAddress, sampleService } from '../../model/sample.ts';
import { servicePatch } from './service-patch.ts';

const kubectl = { manager: 'kubectl' };
const foreign = { type: 'example.com/Probed', status: 'True' };
const pools = [samplePool('lan', ['192.0.2.0/28'])];

function serviceObject(metadata: object, conditions: readonly object[] = []): ApiObject {
  const listed = { apiVersion: 'v1', kind: 'Service' };
  const named = { name: 'web', namespace: 'shop', resourceVersion: '7', ...metadata };
  return asApiObject({ ...listed, metadata: named, status: { conditions } }, listed) ?? assert.fail();
}

const having = (address: string, pool?: string) => ({
  ...sampleService('shop/web'),
  allocated: { addresses: [sampleAddress(address)], pool },
});

const ours = serviceObject(
  {
    annotations: { 'metallb.io/ip-allocated-from-pool': 'lan' },
    managedFields: [kubectl, { manager: 'gantry', subresource: 'status' }],
  },
  [foreign, { type: 'gantry.dev/Allocated', status: 'True' }],
);

const marked = serviceObject({
  annotations: { 'metallb.io/ip-allocated-from-pool': 'lan' },
  managedFields: [kubectl, { manager: 'gantry', subresource: 'status' }],
});

test('our conditions are taken off, then our marks; what others wrote stays, and so do the addresses', () => {
  assert.deepEqual(servicePatch(ours, having('192.0.2.7', 'lan'), undefined), {
    subresource: 'status',
    isRelease: false,
    patch: { status: { conditions: [foreign] } },
  });
  assert.deepEqual(servicePatch(marked, having('192.0.2.7', 'lan'), undefined), {
    isRelease: false,
    patch: {
      metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': null }, managedFields: [kubectl] },
    },
  });
});

test('addresses of our pools are released', () => {
  const released = {
    subresource: 'status',
    isRelease: true,
    patch: { status: { conditions: [], loadBalancer: { ingress: null } } },
  };
  assert.deepEqual(servicePatch(marked, having('192.0.2.7'), pools), released);
  // The pool is gone, and the Service still says that it was of one.
  assert.deepEqual(servicePatch(marked, having('192.0.2.7', 'lan'), []), released);
});

test('an address of no pool is not ours to release', () => {
  assert.equal(servicePatch(ours, having('203.0.113.9'), pools)?.isRelease, false);
});

test('a Service without marks is not written to, unless its address is to be released', () => {
  const bare = serviceObject({ managedFields: [kubectl] }, [foreign]);
  assert.equal(servicePatch(bare, having('192.0.2.7'), undefined), undefined);
  assert.equal(servicePatch(bare, having('192.0.2.7'), pools)?.isRelease, true);
});
