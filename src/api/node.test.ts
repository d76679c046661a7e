// Nodes and Namespaces: the few fields that are read, among many that are not ours to judge.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatCidr } from '../model/address.ts';
import { formatPath } from './field-problem.ts';
import { parseNamespace } from './namespace.ts';
import { parseNode } from './node.ts';

const raw = (parts: Record<string, unknown>) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1.example', labels: { zone: 'a' } },
  ...parts,
});

test('a node gives its first InternalIP of each family, its pod networks and its labels', () => {
  const addresses = [
    { type: 'Hostname', address: 'node-1' },
    { type: 'InternalIP', address: '198.18.0.1' },
    { type: 'InternalIP', address: '198.18.0.2' },
    { type: 'InternalIP', address: '2001:db8::1' },
    { type: 'ExternalIP', address: '192.0.2.1' },
  ];
  const { object, problems } = parseNode(
    raw({
      spec: {
        podCIDR: '198.18.64.0/24',
        podCIDRs: ['198.18.64.0/24', '2001:db8:1::/64'],
        taints: [{ key: 'x' }],
      },
      status: { addresses, capacity: { cpu: 4 }, nodeInfo: { architecture: 'amd64' } },
    }),
  );
  assert.deepEqual(problems, []);
  assert.equal(object?.name, 'node-1.example');
  assert.deepEqual(object?.addresses.map(formatAddress), ['198.18.0.1', '2001:db8::1']);
  assert.deepEqual(object?.podCidrs.map(formatCidr), ['198.18.64.0/24', '2001:db8:1::/64']);
  assert.equal(object?.networkUnavailable, false);
});

test('the network of a node is unavailable only when its condition is True', () => {
  const network = (status: string) =>
    parseNode(raw({ status: { conditions: [{ type: 'NetworkUnavailable', status }] } })).object
      ?.networkUnavailable;
  assert.equal(network('True'), true);
  assert.equal(network('False'), false);
  assert.equal(network('Unknown'), false);
});

test('a node with an address or a pod network that is none is refused', () => {
  const fields = (parts: Record<string, unknown>) => {
    const { object, problems } = parseNode(raw(parts));
    assert.equal(object, undefined);
    return problems.map(({ path }) => formatPath(path));
  };
  const addresses = [{ type: 'InternalIP', address: 'node' }];
  assert.deepEqual(fields({ status: { addresses } }), ['status.addresses[0].address']);
  assert.deepEqual(fields({ spec: { podCIDR: '198.18.0.1' } }), ['spec.podCIDR']);
  assert.deepEqual(fields({ spec: { podCIDRs: ['198.18.0.0/24', 'x'] } }), ['spec.podCIDRs[1]']);
});

test('a Namespace is its name and labels', () => {
  const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'a' } } };
  assert.deepEqual(parseNamespace(manifest), {
    object: { name: 'shop', labels: { team: 'a' } },
    problems: [],
  });
  assert.equal(parseNamespace({ ...manifest, metadata: { name: 'a.b' } }).object, undefined);
});
