// A heap gives back what it was given, in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from './heap.ts';

test('items pushed and popped in any mixture come out like a sorted list, duplicates included', () => {
  const operations = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { freq: 2 }));
  fc.assert(
    fc.property(operations, (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) assert.equal(heap.pop(), model.shift());
        else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        assert.equal(heap.size, model.length);
        assert.equal(heap.peek(), model[0]);
      }
    }),
  );
});
