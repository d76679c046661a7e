// Elections: who is alive, who reaches the link, and that interface selectors bind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '../../model/address.ts';
import { electOwner } from './elect.ts';
import type { NodeInterface } from './interfaces.ts';

const address = parseAddress('192.0.2.200');
assert.ok(address);
const link = (name: string, ...subnets: string[]): NodeInterface => ({
  name,
  up: true,
  subnets: subnets.map(parseCidr).filter((subnet) => subnet !== undefined),
});
const down = (one: NodeInterface): NodeInterface => ({ ...one, up: false });
const lan = link('eth0', '192.0.2.11/24');
const other = link('eth1', '203.0.113.11/25');
const candidates = ['a', 'b', 'c'].map((node) => ({ node, interfaces: [] as string[] }));
const elect = (members: Record<string, NodeInterface[] | undefined>, list = candidates) =>
  electOwner(address, list, (node) => members[node]);

test('the first candidate that may be elected answers on the link of the address', () => {
  assert.deepEqual(elect({ a: [lan, other], b: [lan], c: [lan] }), { node: 'a', interfaces: ['eth0'] });
  assert.deepEqual(elect({ b: [lan], c: [lan] }), { node: 'b', interfaces: ['eth0'] });
  assert.equal(elect({}), undefined);
});

test('a node whose link to the subnet is down is passed over, though reachable by another', () => {
  assert.deepEqual(elect({ a: [down(lan), other], b: [lan] }), { node: 'b', interfaces: ['eth0'] });
  // Also by itself, when it hears of nobody else.
  assert.equal(elect({ a: [down(lan), other] }), undefined);
});

test('a node without a link to the subnet comes after all that have one', () => {
  assert.deepEqual(elect({ a: [other], b: [lan] }), { node: 'b', interfaces: ['eth0'] });
});

test('an address that is on nobody’s subnet is answered on all usable links', () => {
  assert.deepEqual(elect({ a: [other, link('eth2')] }), { node: 'a', interfaces: ['eth1', 'eth2'] });
});

test('an interface selector binds the election', () => {
  const selected = ['a', 'b'].map((node) => ({ node, interfaces: ['eth1'] }));
  assert.deepEqual(elect({ a: [lan], b: [lan, other] }, selected), { node: 'b', interfaces: ['eth1'] });
  assert.equal(elect({ a: [lan], b: [lan] }, selected), undefined);
});

test('a selected interface counts though it has no address, as a VLAN may', () => {
  const selected = [{ node: 'a', interfaces: ['lan.5'] }];
  assert.deepEqual(elect({ a: [link('lan.5')] }, selected), { node: 'a', interfaces: ['lan.5'] });
});

test('a node without any usable interface is no owner', () => {
  assert.deepEqual(elect({ a: [], b: [lan] }), { node: 'b', interfaces: ['eth0'] });
});
