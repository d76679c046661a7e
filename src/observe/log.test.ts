// Tests of the log's lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type LogLevel } from './log.ts';

function capture(level: LogLevel) {
  const lines: string[] = [];
  const log = createLog({ level, component: 'agent', destination: { write: (line) => lines.push(line) } });
  return { log, records: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

test('a line has its level as a word, an RFC 3339 time, the component, the event and its fields', () => {
  const { log, records } = capture('info');
  log.info('source-complete', { services: 3 });
  const [record] = records();
  assert.ok(record !== undefined);
  assert.match(String(record['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const { time: _, ...rest } = record;
  assert.deepEqual(rest, { level: 'info', component: 'agent', event: 'source-complete', services: 3 });
});

test('what is below the level is not written', () => {
  const { log, records } = capture('warn');
  log.debug('a');
  log.info('b');
  log.warn('c', { next: 'Do something.' });
  assert.deepEqual(
    records().map((record) => record['event']),
    ['c'],
  );
});

test('a part of the program adds its own fields to each line', () => {
  const { log, records } = capture('debug');
  log.with({ node: 'a' }).debug('members', { alive: 2 });
  assert.deepEqual([records()[0]?.['node'], records()[0]?.['alive']], ['a', 2]);
});

test('an error keeps its message and stack, a bigint its digits, and a cycle does no harm', () => {
  const { log, records } = capture('info');
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  log.error('failed', { next: 'Report it.', error: new Error('no memory'), count: 3n, cycle });
  const [record] = records();
  const error = record?.['error'];
  assert.ok(typeof error === 'object' && error !== null && 'message' in error && 'stack' in error);
  assert.equal(error.message, 'no memory');
  assert.equal(record?.['count'], 3);
});
