// The lab's Kubernetes vanishes with the process that started it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../lab/gantry.ts';
import { testInsideLab } from '../../lab/rerun.ts';

const source = (name: string): string => JSON.stringify(join(import.meta.dirname, '../../lab', name));

/** Starts a control plane, says the ids of its processes, and stays. */
const program = `
  import { createLab } from ${source('lab.ts')};
  import { startControlPlane } from ${source('control-plane/control-plane.ts')};
  const lab = await createLab();
  const host = lab.host('alone');
  host.ip('address add 192.0.2.2/32 dev lo');
  await startControlPlane(lab, { host, addresses: ['192.0.2.2'] });
  console.log(host.processes().join(' '));`;

testInsideLab(import.meta.filename, () => {
  test('its processes end when the one that started it is killed', { timeout: 120_000 }, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const pids = String(line).trim().split(' ');
    assert.equal(pids.length, 3);
    child.kill('SIGKILL');
    await until('all are gone', () => pids.every((pid) => !isAlive(pid)), 20_000);
  });
});

/** False for a zombie, too. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
