// The table of aggregates as it is kept: one for what is wanted last, adopted from a process before, and gone with the last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeNftables } from '../../dataplane/nftables/fake.ts';
import type { NftablesPort } from '../../dataplane/nftables/port.ts';
import type { Cidr } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import { silentLog } from '../../observe/log.ts';
import { createDiscards } from './discards.ts';

const block: Cidr = { address: sampleAddress('198.51.100.0'), prefixLength: 28 };
const other: Cidr = { address: sampleAddress('198.51.100.64'), prefixLength: 26 };

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('the table follows what is wanted, also where a process before left one, and goes with the last aggregate', async () => {
  const fake = fakeNftables();
  const kept: NftablesPort = { ...fake, [Symbol.dispose]() {} };
  const start = () => createDiscards(async () => kept, silentLog);
  const first = start();
  first.want([]);
  await settled();
  assert.equal(fake.chains(), undefined);
  first.want([block]);
  first.want([block, other]);
  await settled();
  assert.deepEqual(fake.sets(), ['aggregates4-28', 'aggregates4-26']);
  start().want([other]);
  await settled();
  assert.deepEqual(fake.sets(), ['aggregates4-26']);
  first.want([]);
  await settled();
  assert.equal(fake.chains(), undefined);
});

test('what the kernel refuses is told, and tried again with the next change', async () => {
  const fake = fakeNftables();
  let isAllowed = false;
  const told: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void told.push(event) };
  const discards = createDiscards(async () => {
    if (!isAllowed) throw new Error('EPERM');
    return { ...fake, [Symbol.dispose]() {} };
  }, log);
  discards.want([block]);
  await settled();
  assert.deepEqual(told, ['bgp-aggregates-not-discarded']);
  isAllowed = true;
  discards.want([block]);
  await settled();
  assert.deepEqual(fake.sets(), ['aggregates4-28']);
});
