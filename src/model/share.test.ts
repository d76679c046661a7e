// Shares: keys that are read as they are written, and MACs that fall evenly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from './address.ts';
import {
  addressOfKey,
  countHoldings,
  formatHoldings,
  holdingKey,
  parseHolding,
  shareKeys,
  shareOf,
  sharesPerAddress,
} from './share.ts';

test('the key of a holding tells its address and its share', () => {
  for (const address of ['192.0.2.200', '2001:db8:1::200']) {
    for (const share of [undefined, 0, 7, 15]) {
      const key = holdingKey(address, share);
      const holding = parseHolding(key);
      assert.deepEqual([holding && formatAddress(holding.address), holding?.share], [address, share]);
      assert.equal(addressOfKey(key), address);
    }
    assert.equal(new Set(shareKeys(address)).size, sharesPerAddress);
  }
});

test('nothing else is a key', () => {
  for (const key of [
    '',
    '#1',
    'x#1',
    '192.0.2.200#',
    '192.0.2.200#16',
    '192.0.2.200#01',
    '192.0.2.200#-1',
    '192.0.2.200#1#1',
  ])
    assert.equal(parseHolding(key), undefined, key);
});

test('the share of a MAC is what the kernel’s jhash makes of it', () => {
  const table = [
    [[2, 0, 0, 0, 0, 1], 3],
    [[0x00, 0x25, 0xb5, 0x10, 0xff, 0xfe], 8],
    [[255, 255, 255, 255, 255, 255], 14],
    [[2, 0, 0x5e, 0x10, 0, 9], 6],
  ] as const;
  for (const [mac, share] of table) assert.equal(shareOf(Uint8Array.from(mac)), share);
});

test('MACs that differ in one byte alone, or come in steps, fall into all shares', () => {
  const macs = {
    last: (index: number) => [2, 0, 0, 0, 0, index],
    middle: (index: number) => [2, 0, 0, index, 0, 1],
    steps: (index: number) => [2, 0, 0, 0, index >> 4, (index << 4) & 255],
  };
  for (const [name, mac] of Object.entries(macs)) {
    const counts = new Array<number>(sharesPerAddress).fill(0);
    for (let index = 0; index < 256; index++) {
      const share = shareOf(Uint8Array.from(mac(index)));
      counts[share] = (counts[share] ?? 0) + 1;
    }
    for (const count of counts) assert.ok(count >= 5 && count <= 35, `${name}: ${counts}`);
  }
});

test('what is held is counted whole and in shares', () => {
  const texts = [
    [],
    ['192.0.2.1'],
    ['192.0.2.1#3'],
    ['192.0.2.1', '192.0.2.2', '192.0.2.3#1', '192.0.2.3#2'],
  ].map((keys) => formatHoldings(countHoldings(keys)));
  assert.deepEqual(texts, ['0 addresses', '1 address', '1 share', '2 addresses and 2 shares']);
});
