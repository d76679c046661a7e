// Durations as Go spells them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('durations are sums of numbers with units', () => {
  assert.equal(parseDuration('500ms'), 500);
  assert.equal(parseDuration('2s'), 2000);
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('1.5h'), 5_400_000);
  assert.equal(parseDuration('1us'), 0.001);
  assert.equal(parseDuration('0'), 0);
});

test('anything else is no duration', () => {
  for (const text of ['', '5', '-5s', 's', '5 s', '1d', '1..5s', '5s;', ' 5s']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});
