// Credential files are read again in time.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleAccess } from '../sample-access.ts';
import { createMaterialStore } from './materials.ts';

test('a token file is read again when it is due, and what was read stays where it cannot be', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'gantry-token-')), 'token');
  let now = 0;
  const store = createMaterialStore(sampleAccess([], { token: { file } }), () => now);
  const token = async (mostMilliseconds: number): Promise<string | undefined> => {
    const result = await store.current(mostMilliseconds);
    return result.ok ? result.value.token : result.reason.kind;
  };
  assert.equal(await token(1000), 'credentials-unreadable');
  await writeFile(file, 'one\n');
  assert.equal(await token(1000), 'one');
  await writeFile(file, 'two');
  now = 999;
  assert.equal(await token(1000), 'one');
  assert.equal(await token(0), 'two');
  await writeFile(file, 'three');
  now = 1999;
  assert.equal(await token(1000), 'three');
  await rm(file);
  assert.equal(await token(0), 'three');
  assert.deepEqual(store.failure, { kind: 'credentials-unreadable', file, code: 'ENOENT' });
});
