// Batches of `ip` commands, one process a batch.
import { spawnSync } from 'node:child_process';

/** Runs the lines in order, in the named namespace or in the lab's own. Throws with ip's own words when one fails. */
export function runIp(lines: readonly string[], namespace?: string): void {
  const where = namespace === undefined ? [] : ['-netns', namespace];
  const result = spawnSync('ip', [...where, '-batch', '-'], {
    encoding: 'utf8',
    input: `${lines.join('\n')}\n`,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`ip ${where.join(' ')}: ${result.stderr.trim()}\nin:\n${lines.join('\n')}`);
  }
}
