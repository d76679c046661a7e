// Precedence over other processes: what was granted holds for every thread.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('the answer is what the kernel did, for the main thread and its helpers alike', () => {
  // In a process of its own: nothing gives the precedence back.
  const program = `import { takePrecedence } from ${JSON.stringify(join(import.meta.dirname, 'precedence.ts'))};
    import { readdirSync } from 'node:fs';
    import { getPriority } from 'node:os';
    const before = getPriority();
    const granted = takePrecedence();
    const levels = readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)));
    console.log(JSON.stringify({ before, granted, levels }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const { before, granted, levels } = JSON.parse(output);
  assert.ok(levels.length > 1);
  assert.deepEqual([...new Set(levels)], [granted ? -20 : before]);
});

test('its code is locked in memory where that is allowed', () => {
  const program = `import { keepCodeInMemory } from ${JSON.stringify(join(import.meta.dirname, 'precedence.ts'))};
    import { readFileSync } from 'node:fs';
    const locked = () => Number(/VmLck:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const granted = keepCodeInMemory();
    console.log(JSON.stringify({ granted, kibibytes: locked() }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const { granted, kibibytes } = JSON.parse(output);
  assert.equal(kibibytes > 1000, granted);
});
