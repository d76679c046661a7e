// Lists cut into pieces come out as JSON.parse has them, and broken ones do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createItemScanner } from './item-scanner.ts';

/** The items as they were cut out, and the rest of the list. */
function scan(text: string, pieceBytes: number) {
  const bytes = Buffer.from(text);
  const scanner = createItemScanner();
  const items: string[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    items.push(...scanner.push(bytes.subarray(at, at + pieceBytes)));
  return { items, rest: scanner.rest() };
}

const anyItem = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }));

test('every list, cut into pieces of every size, gives its items and its rest', () => {
  fc.assert(
    fc.property(
      fc.array(anyItem, { maxLength: 5 }),
      fc.jsonValue(),
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      fc.constantFrom(undefined, 1),
      (items, metadata, pieceBytes, isFirst, indent) => {
        const list = isFirst
          ? { items, metadata }
          : { kind: 'List', metadata, items, more: [{ items: [{}] }] };
        const { items: texts, rest } = scan(JSON.stringify(list, undefined, indent), pieceBytes);
        assert.deepEqual(
          texts.map((text) => JSON.parse(text)),
          JSON.parse(JSON.stringify(items)),
        );
        assert.deepEqual(JSON.parse(rest ?? ''), JSON.parse(JSON.stringify({ ...list, items: [] })));
      },
    ),
  );
});

test('a list that ends too early has no rest', () => {
  const whole = JSON.stringify({ metadata: { a: '}' }, items: [{ b: ['\\"', 1] }, {}] });
  for (let length = 0; length < whole.length; length++)
    assert.equal(scan(whole.slice(0, length), 3).rest, undefined, whole.slice(0, length));
  assert.ok(scan(whole, 3).rest);
});

test('what stands between the items must not be there', () => {
  for (const items of ['[1]', '[{},2,{}]', '[{},"a"]', '[{}null]'])
    assert.equal(scan(`{"items":${items}}`, 100).rest, undefined, items);
  assert.equal(scan('{"items": [ {} ,\n{} ] }', 100).items.length, 2);
});

test('a list may be empty, or null', () => {
  assert.deepEqual(scan('{"items":[]}', 2), { items: [], rest: '{"items":[]}' });
  assert.deepEqual(scan('{"items":null}', 2), { items: [], rest: '{"items":null}' });
});

test('a string of megabytes, and one of nothing but backslashes, pass', () => {
  for (const character of ['a', '\\', '"', '[', 'é']) {
    const item = { text: character.repeat(2 << 20) };
    const { items } = scan(JSON.stringify({ items: [item] }), 65_536);
    assert.ok(items.length === 1 && JSON.parse(items[0] ?? '').text === item.text, character);
  }
});
