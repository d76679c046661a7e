// Which links may carry announcements, as a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseAddress } from '../../model/address.ts';
import { defaultExcludedInterfaces, excludePatterns, type LinkState, nodeInterfaces } from './interfaces.ts';

const link = (name: string, overrides: Partial<LinkState> = {}): LinkState => ({
  name,
  running: true,
  loopback: false,
  noArp: false,
  mac: new Uint8Array(6),
  masterIndex: undefined,
  addresses: [],
  ...overrides,
});
const usable = (...links: LinkState[]): string[] =>
  nodeInterfaces(links, excludePatterns(defaultExcludedInterfaces))
    .filter(({ up }) => up)
    .map(({ name }) => name);

test('links that are down, loopback, without ARP or without Ethernet addresses are not usable', () => {
  assert.deepEqual(usable(link('eth0')), ['eth0']);
  assert.deepEqual(usable(link('eth0', { running: false })), []);
  assert.deepEqual(usable(link('eth0', { loopback: true })), []);
  assert.deepEqual(usable(link('eth0', { noArp: true })), []);
  assert.deepEqual(usable(link('ppp0', { mac: new Uint8Array(0) })), []);
});

test('a bridge or bond answers for its members', () => {
  const members = [link('eth0', { masterIndex: 5 }), link('eth1', { masterIndex: 5 })];
  assert.deepEqual(usable(link('bond0'), ...members), ['bond0']);
  assert.deepEqual(usable(link('br0'), ...members), ['br0']);
});

test('container bridges, veths and overlays are excluded by name, lookalikes are not', () => {
  const excluded = [
    'docker0',
    'br-0123456789ab',
    'cni0',
    'cali12',
    'cilium_host',
    'flannel.1',
    'vethab12',
    'virbr0',
  ];
  assert.deepEqual(usable(...excluded.map((name) => link(name))), []);
  const others = ['eth0', 'br-lan', 'enp1s0', 'bond0.100', 'lan0'];
  assert.deepEqual(usable(...others.map((name) => link(name))), others);
});

test('a subnet counts once, however many addresses the link has of it', () => {
  const addresses = ['192.0.2.11', '192.0.2.12', '203.0.113.5'].map((text) => {
    const address = parseAddress(text);
    assert.ok(address);
    return { address, prefixLength: 24 };
  });
  const [eth0] = nodeInterfaces([link('eth0', { addresses })], []);
  assert.deepEqual(eth0?.subnets.map(formatCidr), ['192.0.2.0/24', '203.0.113.0/24']);
});

test('a VLAN interface without an address is usable; link-local subnets say nothing', () => {
  const linkLocal = parseAddress('fe80::1');
  assert.ok(linkLocal);
  const [vlan] = nodeInterfaces(
    [link('bond0.100', { addresses: [{ address: linkLocal, prefixLength: 64 }] })],
    [],
  );
  assert.deepEqual(vlan, { name: 'bond0.100', up: true, subnets: [] });
});
