// Communities as text and as numbers, against the registries' values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bandwidthOf,
  formatCommunity,
  gracefulShutdown,
  linkBandwidth,
  parseCommunity,
} from './community.ts';

test('communities are read from their text forms, and written back', () => {
  assert.deepEqual(parseCommunity('64500:7'), { kind: 'standard', value: 64500 * 65536 + 7 });
  assert.deepEqual(parseCommunity('large:4200000000:1:4294967295'), {
    kind: 'large',
    value: [4200000000, 1, 4294967295],
  });
  assert.deepEqual(parseCommunity('65535:0'), { kind: 'standard', value: gracefulShutdown });
  assert.deepEqual(parseCommunity('graceful-shutdown'), { kind: 'standard', value: gracefulShutdown });
  for (const text of ['64500:7', 'large:1:2:3', 'no-export', 'graceful-shutdown']) {
    const community = parseCommunity(text);
    assert.ok(community);
    assert.equal(formatCommunity(community), text);
  }
});

test('what is no community is refused', () => {
  const texts = [
    '',
    ':',
    '1',
    '1:',
    '1:2:3',
    '65536:1',
    '1:65536',
    'large:1:2',
    'large:1:2:3:4',
    'large:4294967296:1:1',
    '-1:2',
    '1:0x2',
    'constructor',
    ' 1:2',
  ];
  for (const text of texts) assert.equal(parseCommunity(text), undefined, text);
});

test('a link bandwidth has its type, the AS number and a floating point number', () => {
  assert.equal(linkBandwidth(64500, 125_000_000).toString(16), '4004fbf44cee6b28');
  assert.equal(bandwidthOf(0x4004fbf44cee6b28n), 125_000_000);
  assert.equal(bandwidthOf(0x0004fbf44cee6b28n), 125_000_000);
  assert.equal(bandwidthOf(0x0002fbf400000001n), undefined);
});
