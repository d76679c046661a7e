// How the waits grow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMilliseconds } from './backoff.ts';
import type { ApiReason } from './reason.ts';
import { defaultTiming } from './timing.ts';

const timing = { ...defaultTiming, firstDelayMilliseconds: 100, longestDelayMilliseconds: 1000 };
const cut: ApiReason = { kind: 'cut', at: '', cause: '' };
const busy = (retryAfterSeconds: number): ApiReason => ({
  kind: 'busy',
  at: '',
  message: '',
  retryAfterSeconds,
});

test('a wait is doubled up to the longest, and half of it is by chance', () => {
  const least = [1, 2, 3, 4, 5, 500].map((failures) => backoffMilliseconds(failures, cut, timing, () => 0));
  assert.deepEqual(least, [50, 100, 200, 400, 500, 500]);
  assert.equal(
    backoffMilliseconds(3, cut, timing, () => 1),
    400,
  );
});

test('a wait is never shorter than the server asks, within reason', () => {
  assert.equal(
    backoffMilliseconds(1, busy(7), timing, () => 0),
    7000,
  );
  assert.equal(
    backoffMilliseconds(1, busy(100_000), timing, () => 0),
    timing.longestRetryAfterMilliseconds,
  );
});
