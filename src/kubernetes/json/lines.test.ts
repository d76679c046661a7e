// Lines cut into pieces come out whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineScanner } from './lines.ts';

test('lines come whole, wherever the pieces end', () => {
  const text = '{"a":"é"}\n\n{"b":1}\n{"c":2}\nrest';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const scanner = createLineScanner();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size)
      lines.push(...scanner.push(bytes.subarray(at, at + size)));
    assert.deepEqual(lines, ['{"a":"é"}', '{"b":1}', '{"c":2}'], `pieces of ${size}`);
  }
});
