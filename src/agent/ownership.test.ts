// Tests of what this node owns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkOwned } from '../pulse/link.ts';
import { sampleOwned } from '../pulse/sample-link.ts';
import { createOwnership, nothingOwned } from './ownership.ts';

const owned = (address: string, ...interfaces: string[]): LinkOwned => sampleOwned(address, { interfaces });

test('changes are told by address, once', () => {
  const ownership = createOwnership();
  const apply = (replace: boolean, upserts: LinkOwned[], removals: string[] = []): string[] =>
    [...ownership.apply({ type: 'owned', replace, upserts, removals })].sort();
  assert.deepEqual(apply(true, [owned('192.0.2.1', 'eth0'), owned('192.0.2.2', 'eth0')]), [
    '192.0.2.1',
    '192.0.2.2',
  ]);
  assert.deepEqual(apply(false, [owned('192.0.2.1', 'eth0')]), []);
  assert.deepEqual(apply(false, [owned('192.0.2.1', 'eth0', 'eth1')], ['192.0.2.2', '192.0.2.9']), [
    '192.0.2.1',
    '192.0.2.2',
  ]);
  assert.deepEqual(apply(true, [owned('192.0.2.3', 'eth0')]), ['192.0.2.1', '192.0.2.3']);
  assert.deepEqual([...ownership.addresses.keys()], ['192.0.2.3']);
  assert.deepEqual([...ownership.apply(nothingOwned)], ['192.0.2.3']);
});

test('shares are told one by one, and kept by the address that they are of', () => {
  const ownership = createOwnership();
  const apply = (upserts: LinkOwned[], removals: string[] = []): string[] =>
    [...ownership.apply({ type: 'owned', replace: false, upserts, removals })].sort();
  const keys = (): string[] => (ownership.addresses.get('192.0.2.1') ?? []).map(({ address }) => address);
  assert.deepEqual(apply([owned('192.0.2.1#3', 'eth0'), owned('192.0.2.1#4', 'eth0')]), [
    '192.0.2.1#3',
    '192.0.2.1#4',
  ]);
  assert.deepEqual(apply([owned('192.0.2.1#4', 'eth0')], ['192.0.2.1#3']), ['192.0.2.1#3']);
  assert.deepEqual(keys(), ['192.0.2.1#4']);
  apply([owned('192.0.2.1', 'eth0')], ['192.0.2.1#4']);
  assert.deepEqual(keys(), ['192.0.2.1']);
});
