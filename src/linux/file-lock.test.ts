// File locks: one holder, freed by disposal and by death.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tryLockFile } from './file-lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'gantry-lock-'));
after(() => rmSync(directory, { recursive: true }));

test('a lock has one holder at a time', () => {
  const path = join(directory, 'once');
  {
    using first = tryLockFile(path);
    assert.ok(first);
    assert.equal(tryLockFile(path), undefined);
  }
  using second = tryLockFile(path);
  assert.ok(second);
});

test('the kernel frees the lock of a process that is killed', { timeout: 20_000 }, async () => {
  const path = join(directory, 'killed');
  const program = `import { tryLockFile } from ${JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))};
    globalThis.lock = tryLockFile(${JSON.stringify(path)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.equal(tryLockFile(path), undefined);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  using lock = tryLockFile(path);
  assert.ok(lock);
});
