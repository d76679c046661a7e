// The word that a misspelt one most likely means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const words = ['port', 'protocol', 'targetPort', 'name'];

test('a word a letter or two away is found, and so is one in another case', () => {
  assert.equal(nearest('prot', words), 'port');
  assert.equal(nearest('targetport', words), 'targetPort');
  assert.equal(nearest('protcool', words), 'protocol');
  assert.equal(nearest('nme', words), 'name');
});

test('nothing is suggested for a word unlike any', () => {
  assert.equal(nearest('replicas', words), undefined);
  assert.equal(nearest('x', words), undefined);
  assert.equal(nearest('', words), undefined);
});
