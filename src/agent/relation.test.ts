// Tests of the relation against a plain scan.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRelation } from './relation.ts';

test('after any changes both sides are what a scan finds', () => {
  const change = fc.record({
    key: fc.constantFrom('s/1', 's/2', 's/3'),
    values: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const relation = createRelation();
      const current = new Map<string, readonly string[]>();
      for (const { key, values } of changes) {
        relation.set(key, new Set(values));
        current.set(key, values);
      }
      for (const [key, values] of current) assert.deepEqual(relation.valuesOf(key), new Set(values));
      for (const value of ['a', 'b', 'c']) {
        const keys = [...current].filter(([, values]) => values.includes(value)).map(([key]) => key);
        assert.deepEqual(relation.keysOf(value), new Set(keys));
      }
    }),
  );
});
