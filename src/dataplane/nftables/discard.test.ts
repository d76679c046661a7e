// The table of aggregates: who is dropped by it, and who is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cidr } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import { discardTable } from './discard.ts';
import { evaluate } from './evaluate.ts';
import { fakeNftables } from './fake.ts';

const cidr = (text: string, prefixLength: number): Cidr => ({ address: sampleAddress(text), prefixLength });

function fateOf(
  prefixes: readonly Cidr[],
  destination: string,
  from: 'network' | 'node' = 'network',
): string {
  using fake = fakeNftables();
  assert.deepEqual(fake.commit(discardTable(prefixes)), { ok: true });
  const isIpv6 = destination.includes(':');
  const packet = {
    protocol: 'TCP',
    source: sampleAddress(isIpv6 ? '2001:db8::1' : '203.0.113.1'),
    destination: sampleAddress(destination),
    destinationPort: 80,
    from,
  } as const;
  return evaluate(fake, packet, {
    addresses: [sampleAddress('198.51.100.9')],
    nowSeconds: 0,
    random: () => 0,
  }).kind;
}

const aggregates = [cidr('198.51.100.0', 28), cidr('198.51.100.128', 26), cidr('2001:db8:f::', 124)];

test('what passes through to an address of an aggregate is dropped, each by its own length', () => {
  for (const inside of ['198.51.100.0', '198.51.100.15', '198.51.100.191', '2001:db8:f::f'])
    assert.equal(fateOf(aggregates, inside), 'drop', inside);
  for (const outside of ['198.51.100.16', '198.51.100.63', '198.51.100.192', '2001:db8:f::10'])
    assert.equal(fateOf(aggregates, outside), 'untouched', outside);
});

test('the node’s own packets, and those for its own addresses, are left alone', () => {
  assert.equal(fateOf(aggregates, '198.51.100.7', 'node'), 'untouched');
  assert.equal(fateOf(aggregates, '198.51.100.9'), 'untouched');
});
