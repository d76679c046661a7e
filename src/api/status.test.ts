// Statuses keep the API's shape, and a Service's status gives back the addresses that were put into it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import type { ObjectProblem } from '../model/problem.ts';
import {
  allocatedOf,
  configurationState,
  parseServiceL2StatusName,
  poolStatus,
  serviceL2Status,
  serviceL2StatusName,
  serviceStatus,
} from './status.ts';

const address = (text: string) => {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
};

test('a Service status lists its addresses as VIPs and names the pool in the annotation', () => {
  const allocated = { addresses: [address('192.0.2.7'), address('2001:db8::7')], pool: 'public' };
  const status = serviceStatus({ namespace: 'shop', name: 'web', allocated, conditions: [] });
  assert.deepEqual(status, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'shop',
      name: 'web',
      annotations: { 'metallb.io/ip-allocated-from-pool': 'public' },
    },
    status: {
      loadBalancer: {
        ingress: [
          { ip: '192.0.2.7', ipMode: 'VIP' },
          { ip: '2001:db8::7', ipMode: 'VIP' },
        ],
      },
      conditions: [],
    },
  });
  assert.deepEqual(allocatedOf(JSON.parse(JSON.stringify(status))), { object: allocated, problems: [] });
});

test('the pool is read from the annotation that former versions of MetalLB wrote', () => {
  const annotations = { 'metallb.universe.tf/ip-allocated-from-pool': 'public' };
  assert.equal(allocatedOf({ metadata: { annotations } }).object?.pool, 'public');
});

test('a status with a bad address is refused and the field is named', () => {
  const raw = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.999' }] } } };
  const { object, problems } = allocatedOf(raw);
  assert.equal(object, undefined);
  assert.deepEqual(problems[0]?.path, ['status', 'loadBalancer', 'ingress', 1, 'ip']);
});

test('ingress points with only a host name are passed over', () => {
  const raw = { status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } };
  assert.deepEqual(allocatedOf(raw).object, { addresses: [], pool: undefined });
});

test('reading a status never throws, whatever the JSON', () => {
  fc.assert(fc.property(fc.jsonValue(), (raw) => void allocatedOf(raw)));
});

test('the counts of a pool beyond what JSON carries exactly are cut', () => {
  const status = poolStatus({
    namespace: undefined,
    name: 'public',
    assignedIPv4: 3n,
    assignedIPv6: 0n,
    availableIPv4: 253n,
    availableIPv6: 1n << 64n,
  });
  assert.deepEqual(status['status'], {
    assignedIPv4: 3,
    assignedIPv6: 0,
    availableIPv4: 253,
    availableIPv6: Number.MAX_SAFE_INTEGER,
  });
});

test('the name of a ServiceL2Status gives back node, namespace and Service, dots in the node name included', () => {
  const name = serviceL2StatusName('node-1.rack.example', 'shop', 'web');
  assert.deepEqual(parseServiceL2StatusName(name), {
    node: 'node-1.rack.example',
    namespace: 'shop',
    name: 'web',
  });
  assert.equal(parseServiceL2StatusName('web'), undefined);
});

test('a ServiceL2Status carries the labels people select by', () => {
  const status = serviceL2Status({
    node: 'a',
    namespace: 'shop',
    name: 'web',
    interfaces: ['eth0'],
    why: 'Elected.',
  });
  assert.deepEqual(status.metadata.labels, {
    'metallb.io/node': 'a',
    'metallb.io/service-name': 'web',
    'metallb.io/service-namespace': 'shop',
  });
  assert.deepEqual(status['status'], {
    node: 'a',
    serviceName: 'web',
    serviceNamespace: 'shop',
    interfaces: [{ name: 'eth0' }],
  });
});

test('a ConfigurationState is invalid with an error, valid with warnings alone, unknown before reading', () => {
  const problem = (severity: 'error' | 'warning'): ObjectProblem => ({
    file: 'a.yaml',
    line: 3,
    kind: 'Service',
    namespace: 'shop',
    name: 'web',
    field: 'spec.type',
    value: '"Odd"',
    rule: 'It is odd.',
    severity,
  });
  const resultOf = (problems: readonly ObjectProblem[] | undefined) => {
    const since = '2026-01-01T00:00:00Z';
    const { status } = configurationState({ component: 'agent', node: 'a', problems, since });
    return (status as { result: string }).result;
  };
  assert.equal(resultOf([problem('error'), problem('warning')]), 'Invalid');
  assert.equal(resultOf([problem('warning')]), 'Valid');
  assert.equal(resultOf(undefined), 'Unknown');
});
