// Test files that need private namespaces run themselves again inside the lab, so that any runner may start them.
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { insideLab } from './lab.ts';
import { enterScript } from './program.ts';

/**
 * Inside the lab: calls `define`, which defines the tests. Elsewhere: defines one test that runs the whole file
 * (`import.meta.filename`) inside the lab and fails with its output.
 */
export function testInsideLab(file: string, define: () => void): void {
  if (insideLab()) {
    define();
    return;
  }
  test('inside private namespaces', () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(enterScript, [process.execPath, file], {
      encoding: 'utf8',
      env,
      timeout: 300_000,
      killSignal: 'SIGKILL',
    });
    if (status !== 0) throw new Error(`failed inside the lab:\n${stdout}${stderr}`);
  });
}
