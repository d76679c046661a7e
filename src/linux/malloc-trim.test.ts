// Test of giving memory back.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { trimMalloc } from './malloc-trim.ts';

const residentMegabytes = (): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

test('trimming changes nothing that is in use, and never takes more memory', () => {
  const kept = Buffer.alloc(1 << 20, 'kept');
  trimMalloc();
  const before = residentMegabytes();
  trimMalloc();
  assert.ok(residentMegabytes() < before + 8);
  assert.ok(kept.equals(Buffer.alloc(1 << 20, 'kept')));
});
