// Next hops: the session's own address, and for the other family one of the same interface.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import { type Interfaces, isOnLink, nextHops } from './next-hops.ts';

const entry = (cidr: string) => ({
  address: cidr.split('/')[0] ?? '',
  cidr,
  netmask: '',
  mac: '',
  internal: false,
  family: 'IPv4' as const,
});

const interfaces: Interfaces = {
  eth0: [entry('192.0.2.11/24'), entry('fe80::1/64'), entry('2001:db8:1::11/64')],
  eth1: [entry('198.51.100.11/24'), entry('fe80::2/64')],
};

test('the other family’s next hop is on the session’s own interface, and no link-local one', () => {
  const of = (local: string, family: 'IPv4' | 'IPv6'): string[] =>
    nextHops(interfaces, sampleAddress(local), family).map(formatAddress);
  assert.deepEqual(of('192.0.2.11', 'IPv4'), ['192.0.2.11']);
  assert.deepEqual(of('192.0.2.11', 'IPv6'), ['2001:db8:1::11']);
  assert.deepEqual(of('2001:db8:1::11', 'IPv4'), ['192.0.2.11']);
  assert.deepEqual(of('198.51.100.11', 'IPv6'), []);
});

test('a neighbour is on a network of this node’s', () => {
  for (const [address, isNear] of [
    ['192.0.2.254', true],
    ['203.0.113.1', false],
    ['2001:db8:1::fe', true],
    ['2001:db8:2::fe', false],
    ['fe80::99', true],
  ] as const)
    assert.equal(isOnLink(interfaces, sampleAddress(address)), isNear, address);
});
