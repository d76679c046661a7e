// Tests of the forms of a listening address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatListenAddress, parseListenAddress } from './listen-address.ts';

test('the three forms are read, and written as they were', () => {
  for (const text of ['127.0.0.1:7472', '[2001:db8::1]:80', ':0', ':65535']) {
    const address = parseListenAddress(text);
    assert.ok(address !== undefined, text);
    assert.equal(formatListenAddress(address), text);
  }
});

test('anything else is refused', () => {
  for (const text of [
    '',
    '7472',
    '127.0.0.1',
    '127.0.0.1:',
    '::1:80',
    '[::1]',
    'host:80',
    ':65536',
    ':-1',
    '[127.0.0.1]:80',
  ]) {
    assert.equal(parseListenAddress(text), undefined, text);
  }
});
