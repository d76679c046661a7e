// Benches that need real packets run themselves again inside the lab's private namespaces.
import { spawnSync } from 'node:child_process';
import { insideLab } from '../lab/lab.ts';
import { enterScript } from '../lab/program.ts';

/** Calls `run` inside the lab; elsewhere runs the bench's own file there, and passes its output and exit code on. */
export async function benchInsideLab(file: string, run: () => Promise<void>): Promise<void> {
  if (insideLab()) return run();
  const again = spawnSync(enterScript, [process.execPath, file, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = again.status ?? 1;
}
