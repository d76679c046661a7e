// Tests of the health machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterProbe, type EndpointHealth, type ProbeFailure, unknownHealth } from './health-check.ts';

const refused: ProbeFailure = { kind: 'probe-refused' };

function verdicts(results: string, failureThreshold: number): string {
  let health: EndpointHealth = unknownHealth;
  return [...results]
    .map((result) => {
      health = afterProbe(health, result === '+' ? undefined : refused, { failureThreshold });
      return health.verdict === 'healthy' ? 'h' : 'u';
    })
    .join('');
}

test('verdicts follow the results', () => {
  const table = [
    // results, threshold, verdict after each
    ['+', 3, 'h'],
    ['-', 3, 'u'], // never seen healthy: one failure is enough
    ['--+', 3, 'uuh'], // one success makes it healthy
    ['+--+--+', 3, 'hhhhhhh'], // failures must be in a row
    ['+---', 3, 'hhhu'],
    ['+----+---', 3, 'hhhuuhhhu'],
    ['+-', 1, 'hu'],
  ] as const;
  for (const [results, threshold, expected] of table) {
    assert.equal(verdicts(results, threshold), expected, `${results} at threshold ${threshold}`);
  }
});

test('the newest failure is kept until a success', () => {
  const failed = afterProbe(unknownHealth, refused, { failureThreshold: 2 });
  const again = afterProbe(failed, { kind: 'probe-status', status: 503 }, { failureThreshold: 2 });
  assert.deepEqual(again.failure, { kind: 'probe-status', status: 503 });
  assert.equal(afterProbe(again, undefined, { failureThreshold: 2 }).failure, undefined);
});
