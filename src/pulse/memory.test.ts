// What a start leaves to the next: kept whole or not at all, and only for the same node.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../observe/log.ts';
import { fileMemory, type Remembered } from './memory.ts';

let directory: string;
let warnings: string[];
const path = () => join(directory, 'membership.json');
const memory = (file = path()) =>
  fileMemory(file, { ...silentLog, warn: (event: string) => void warnings.push(event) });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-memory-'));
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const remembered: Remembered = {
  node: 'a',
  bootId: 2n ** 60n,
  electorate: [{ epoch: 3, members: ['a', 'b', 'c'] }],
  isDraining: true,
};

test('what was kept is recalled by the same node, and by no other', () => {
  memory().keep(remembered);
  assert.deepEqual(memory().recall('a'), remembered);
  assert.equal(memory().recall('b'), undefined);
});

test('without an electorate it is recalled without one', () => {
  memory().keep({ ...remembered, electorate: undefined });
  assert.deepEqual(memory().recall('a'), { ...remembered, electorate: undefined });
});

test('nothing, or what makes no sense, is nothing', () => {
  assert.equal(memory().recall('a'), undefined);
  for (const text of [
    '',
    '{',
    'null',
    '{"node":"a"}',
    '{"node":"a","bootId":"x"}',
    '{"node":"a","bootId":5}',
  ]) {
    writeFileSync(path(), text);
    assert.equal(memory().recall('a'), undefined, text);
  }
  for (const electorate of [
    '{}',
    '[]',
    '[{"epoch":1}]',
    '[{"epoch":1,"members":[]}]',
    '[{"epoch":"1","members":["a"]}]',
  ]) {
    writeFileSync(path(), `{"node":"a","bootId":"5","electorate":${electorate}}`);
    assert.deepEqual(
      memory().recall('a'),
      { node: 'a', bootId: 5n, electorate: undefined, isDraining: false },
      electorate,
    );
  }
});

test('where it cannot be written, that is told once', () => {
  const broken = memory(join(directory, 'missing', 'membership.json'));
  broken.keep(remembered);
  broken.keep(remembered);
  assert.deepEqual(warnings, ['memory-not-kept']);
});
