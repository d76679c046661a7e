// The lack of a majority is told once, when it lasts, and so is its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../observe/log.ts';
import { createMajorityWatch } from './majority-watch.ts';

/** What is logged, second by second. */
function told(...hasMajority: readonly boolean[]): string[] {
  const lines: string[] = [];
  let second = 0;
  const note = (event: string, fields?: object): void =>
    void lines.push([second, event, ...Object.values(fields ?? {}).slice(0, 2)].join(' '));
  const watch = createMajorityWatch({ ...silentLog, info: note, warn: note });
  const member = { lastHeardMilliseconds: 0, interfaces: [], isReady: true, isElector: true, unheard: [] };
  for (const has of hasMajority) {
    watch.look(
      {
        type: 'members',
        members: [
          { ...member, name: 'a', state: 'alive' },
          { ...member, name: 'b', state: has ? 'alive' : 'silent' },
        ],
        electorate: [['a', 'b']],
        hasMajority: has,
        isDraining: false,
      },
      second * 1000,
    );
    second++;
  }
  return lines;
}

test('what lasts five seconds is told once, with who is not heard, and its end once', () => {
  assert.deepEqual(told(true, false, false, false, false, false, false, false, true, true), [
    '6 no-majority a, b b',
    '8 majority-regained',
  ]);
});

test('what is shorter is not told, nor is its end', () => {
  assert.deepEqual(told(...Array.from({ length: 20 }, (_, second) => second % 4 === 0)), []);
});
