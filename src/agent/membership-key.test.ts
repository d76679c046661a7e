// Tests of the key file.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureMembershipKey } from './membership-key.ts';

test('a key is made once, for the owner alone, and nothing is left beside it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-key-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, '.status', 'membership.key');
  ensureMembershipKey(path);
  const key = readFileSync(path, 'utf8');
  assert.match(key, /^[0-9a-f]{64}\n$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  ensureMembershipKey(path);
  assert.equal(readFileSync(path, 'utf8'), key);
  assert.deepEqual(readdirSync(join(folder, '.status')), ['membership.key']);
});

test('a key that a person wrote is kept', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-key-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'key'), 'secret');
  ensureMembershipKey(join(folder, 'key'));
  assert.equal(readFileSync(join(folder, 'key'), 'utf8'), 'secret');
});
