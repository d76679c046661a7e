// Precedence over other processes: what was granted is true.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('the answer is what the kernel did, and Node goes on', () => {
  // In a process of its own: nothing gives the precedence back.
  const program = `import { becomeRealtime } from ${JSON.stringify(join(import.meta.dirname, 'realtime.ts'))};
    import { readFileSync } from 'node:fs';
    const granted = becomeRealtime();
    // The 41st field is the policy; the name, in parentheses, may have spaces.
    const policy = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /, '').split(' ')[38];
    console.log(JSON.stringify({ granted, policy }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const { granted, policy } = JSON.parse(output);
  assert.equal(policy, granted ? '1' : '0');
});
