// Askers on record: the last first, no more than fit, none for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress } from '../../model/address.ts';
import { holdingKey, shareOf } from '../../model/share.ts';
import { type Asker, createAskers } from './askers.ts';

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
};
const asker = (text: string, last = 1): Asker => ({
  address: addressOf(text),
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
});
const texts = (askers: readonly Asker[]): string[] => askers.map(({ address }) => formatAddress(address));

const vip = '192.0.2.200';
const vip6 = '2001:db8:1::200';

test('who asked for an address is told, the last first, each once and at the MAC that it had last', () => {
  const askers = createAskers();
  askers.note('eth0', vip, asker('192.0.2.1', 1), 0);
  askers.note('eth0', vip, asker('192.0.2.2'), 1);
  askers.note('eth0', vip, asker('192.0.2.1', 9), 2);
  const told = askers.recall('eth0', vip, 'IPv4', 3);
  assert.deepEqual(texts(told), ['192.0.2.1', '192.0.2.2']);
  assert.equal(told[0]?.mac[5], 9);
  assert.deepEqual(askers.recall('eth1', vip, 'IPv4', 3), []);
  assert.deepEqual(askers.recall('eth0', '192.0.2.201', 'IPv4', 3), []);
});

test('of many the last eight are told, and none that asked twenty minutes ago', () => {
  const askers = createAskers();
  for (let last = 1; last <= 20; last++) askers.note('eth0', vip, asker(`192.0.2.${last}`), last);
  assert.equal(askers.recall('eth0', vip, 'IPv4', 20).length, 8);
  assert.deepEqual(texts(askers.recall('eth0', vip, 'IPv4', 20 * 60_000 + 19)), ['192.0.2.20']);
});

test('over IPv6 who asked for another address is told as well', () => {
  const askers = createAskers();
  for (let last = 1; last <= 6; last++) askers.note('eth0', vip6, asker(`2001:db8:1::${last}`), last);
  assert.deepEqual(texts(askers.recall('eth0', '2001:db8:1::201', 'IPv6', 9)), [
    '2001:db8:1::6',
    '2001:db8:1::5',
    '2001:db8:1::4',
    '2001:db8:1::3',
  ]);
  assert.equal(askers.recall('eth0', vip6, 'IPv6', 9).length, 6);
});

test('of a share its own askers alone are told, and more of them', () => {
  const askers = createAskers();
  for (let last = 1; last <= 300; last++) {
    askers.note('eth0', `${vip6}#3`, asker(`2001:db8:1::${last}`), last);
    askers.note('eth0', `${vip6}#4`, asker(`2001:db8:1:f::${last}`), last);
  }
  const told = texts(askers.recall('eth0', `${vip6}#3`, 'IPv6', 301 + 24 * 60 * 60_000));
  assert.equal(told.length, 256);
  assert.ok(told.every((text) => !text.includes(':f::')));
  // What it knows goes on in another process.
  const heir = createAskers();
  heir.inherit(askers.ofShares());
  assert.deepEqual(texts(heir.recall('eth0', `${vip6}#3`, 'IPv6', 302)), told);
});

test('what was asked for longest ago is forgotten when there is too much', () => {
  const askers = createAskers();
  for (let index = 0; index < 20_001; index++) askers.note('eth0', `target ${index}`, asker('192.0.2.1'), 1);
  assert.deepEqual(askers.recall('eth0', 'target 0', 'IPv4', 2), []);
  assert.equal(askers.recall('eth0', 'target 1', 'IPv4', 2).length, 1);
});

test('who asked for an address while it was whole is told by the node of its share', () => {
  const askers = createAskers();
  const early = asker('2001:db8:1::9');
  askers.note('eth0', vip6, early, 1);
  const key = holdingKey(vip6, shareOf(early.mac));
  assert.deepEqual(texts(askers.recall('eth0', key, 'IPv6', 2)), ['2001:db8:1::9']);
  const other = holdingKey(vip6, (shareOf(early.mac) + 1) % 16);
  assert.deepEqual(askers.recall('eth0', other, 'IPv6', 2), []);
  askers.note('eth0', key, early, 3);
  assert.equal(askers.recall('eth0', key, 'IPv6', 4).length, 1);
});
