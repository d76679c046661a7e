// Label selectors, as a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anySelectorMatches, type LabelExpression, selectorMatches } from './selector.ts';

const labels = { app: 'web', tier: 'front' };

test('an empty selector matches everything, an empty list of selectors nothing', () => {
  assert.equal(selectorMatches({ matchLabels: {}, matchExpressions: [] }, labels), true);
  assert.equal(anySelectorMatches([], labels), false);
});

test('all labels and all expressions must hold', () => {
  const exists: LabelExpression = { key: 'tier', operator: 'Exists', values: [] };
  assert.equal(selectorMatches({ matchLabels: { app: 'web' }, matchExpressions: [exists] }, labels), true);
  assert.equal(selectorMatches({ matchLabels: { app: 'db' }, matchExpressions: [exists] }, labels), false);
  assert.equal(
    selectorMatches({ matchLabels: { app: 'web' }, matchExpressions: [{ ...exists, key: 'x' }] }, labels),
    false,
  );
});

test('each operator does what Kubernetes says, also where the label is absent', () => {
  const table: readonly [LabelExpression['operator'], string, readonly string[], boolean][] = [
    ['In', 'app', ['web', 'api'], true],
    ['In', 'app', ['db'], false],
    ['In', 'absent', ['web'], false],
    ['NotIn', 'app', ['web'], false],
    ['NotIn', 'app', ['db'], true],
    ['NotIn', 'absent', ['web'], true],
    ['Exists', 'app', [], true],
    ['Exists', 'absent', [], false],
    ['DoesNotExist', 'app', [], false],
    ['DoesNotExist', 'absent', [], true],
    ['Exists', 'constructor', [], false],
  ];
  for (const [operator, key, values, expected] of table) {
    const selector = { matchLabels: {}, matchExpressions: [{ key, operator, values }] };
    assert.equal(selectorMatches(selector, labels), expected, `${operator} ${key} [${values}]`);
  }
});
