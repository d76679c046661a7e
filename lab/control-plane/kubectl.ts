// The kubectl command against a control plane of the lab, which leaves nothing in the user's home.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Host } from '../host.ts';

/** What it prints; rejects with what it says to stderr when it fails. */
export type Kubectl = (...args: readonly string[]) => Promise<string>;

export function createKubectl(host: Host, program: string, kubeconfig: string, directory: string): Kubectl {
  let runs = 0;
  return async (...args) => {
    const log = `kubectl-${runs++}`;
    // What it remembers of the kinds is minutes old, so each run has a memory of its own.
    const common = ['--kubeconfig', kubeconfig, '--cache-dir', join(directory, log)];
    const child = host.spawn([program, ...common, ...args], { pipe: true, log });
    child.stdin?.end();
    const [ended, output] = [once(child, 'close'), child.stdout === null ? '' : await text(child.stdout)];
    await ended;
    if (child.exitCode === 0) return output;
    throw new Error(`kubectl ${args.join(' ')}: ${readFileSync(host.logPath(log), 'utf8')}${output}`);
  };
}
