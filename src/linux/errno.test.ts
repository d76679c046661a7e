// Failed system calls: what their error says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemError } from './errno.ts';

test('a system error names the call, the reason and the kernel’s own words', () => {
  const error = new SystemError('bind', 98, 'port taken');
  assert.equal(error.message, 'bind: EADDRINUSE: port taken');
  assert.equal(error.code, 'EADDRINUSE');
  assert.equal(new SystemError('recv', 105).message, 'recv: ENOBUFS');
});
