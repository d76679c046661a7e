// Tests of who had what last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareKeys } from '../../model/share.ts';
import { createPastHolders, heldOtherwise, noteHolder } from './past-holders.ts';

test('of an address that is spread from now on, each share was with whoever had it whole', () => {
  const past = createPastHolders();
  assert.deepEqual(heldOtherwise(past, 'k#3'), []);
  noteHolder(past, 'k', 'a');
  assert.deepEqual(heldOtherwise(past, 'k#3'), [['k#3', 'a']]);
  noteHolder(past, 'k#0', 'a');
  assert.deepEqual(heldOtherwise(past, 'k#3'), [['k#3', 'a']], 'others have theirs already');
  noteHolder(past, 'k#3', 'b');
  assert.deepEqual(heldOtherwise(past, 'k#3'), [['k#3', 'a']], 'it may have to ask again');
  noteHolder(past, 'k#3', 'c');
  assert.deepEqual(heldOtherwise(past, 'k#3'), []);
  assert.equal(past.last.get('k'), undefined);
});

test('of an address that is whole from now on, all shares are told with who had each', () => {
  const past = createPastHolders();
  for (const [index, key] of shareKeys('k').entries()) noteHolder(past, key, index < 10 ? 'a' : 'b');
  const holders = shareKeys('k').map((key, index) => [key, index < 10 ? 'a' : 'b']);
  assert.deepEqual(heldOtherwise(past, 'k'), holders);
  noteHolder(past, 'k', 'c');
  assert.deepEqual(heldOtherwise(past, 'k'), holders);
  noteHolder(past, 'k', 'd');
  assert.deepEqual(heldOtherwise(past, 'k'), []);
});

test('who had it in a form long ago had it not before that of now', () => {
  const past = createPastHolders();
  noteHolder(past, 'k#3', 'a');
  noteHolder(past, 'k', 'b');
  noteHolder(past, 'k', 'c');
  assert.deepEqual(heldOtherwise(past, 'k#3'), [['k#3', 'c']]);
  noteHolder(past, 'k#4', 'd');
  assert.equal(past.last.get('k#3'), undefined);
});
