// Tests of the status writer with a port whose writes the test completes.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StatusObject, StatusPort } from '../model/status.ts';
import { silentLog } from '../observe/log.ts';
import { createStatusWriter } from './status-writer.ts';

const object = (name: string, version: number): StatusObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'web', name },
  version,
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A port that keeps what was written, and can be held up or made to fail. */
function start(t: TestContext) {
  const stored = new Map<string, unknown>();
  const started: string[] = [];
  const pending: (() => void)[] = [];
  const state = { held: false, failing: false };
  const act = async (name: string, effect: () => void): Promise<void> => {
    started.push(name);
    if (state.held) await new Promise<void>((resolve) => pending.push(resolve));
    if (state.failing) throw new Error('no space left on device');
    effect();
  };
  const port: StatusPort = {
    advice: 'Make room.',
    put: ({ metadata: { name }, ...rest }) => act(name, () => stored.set(name, rest['version'])),
    remove: (_kind, _namespace, name) => act(name, () => stored.delete(name)),
  };
  const stop = new AbortController();
  t.after(() => stop.abort());
  const writer = createStatusWriter({ port, log: silentLog, signal: stop.signal });
  const release = (): void => {
    for (const resolve of pending.splice(0)) resolve();
  };
  return { writer, stored, started, state, release, stop };
}

test('of several versions of an object the newest is what stays, and not all are written', async (t) => {
  const { writer, stored, started, state, release } = start(t);
  state.held = true;
  for (let version = 1; version <= 5; version++) writer.put(object('a', version));
  await turn();
  state.held = false;
  release();
  await writer.idle();
  assert.deepEqual([...stored], [['a', 5]]);
  assert.deepEqual(started, ['a', 'a']);
});

test('a removal after a write removes, and a write after a removal stays', async (t) => {
  const { writer, stored } = start(t);
  writer.put(object('a', 1));
  writer.remove('Service', 'web', 'a');
  writer.remove('Service', 'web', 'b');
  writer.put(object('b', 2));
  await writer.idle();
  assert.deepEqual([...stored], [['b', 2]]);
});

test('only a few are under way at once, and all are written in the end', async (t) => {
  const { writer, stored, started, state, release } = start(t);
  state.held = true;
  for (let index = 0; index < 20; index++) writer.put(object(`s${index}`, index));
  await turn();
  assert.equal(started.length, 2);
  state.held = false;
  release();
  await writer.idle();
  assert.equal(stored.size, 20);
});

test('what could not be written is tried again, unless there is something newer', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { writer, stored, state } = start(t);
  state.failing = true;
  writer.put(object('a', 1));
  writer.put(object('b', 1));
  await writer.idle();
  assert.equal(stored.size, 0);
  state.failing = false;
  writer.put(object('b', 2));
  await writer.idle();
  t.mock.timers.tick(5000);
  await writer.idle();
  assert.deepEqual(
    [...stored],
    [
      ['b', 2],
      ['a', 1],
    ],
  );
});

test('nothing more is written after the end', async (t) => {
  const { writer, stored, stop } = start(t);
  stop.abort();
  writer.put(object('a', 1));
  await writer.idle();
  assert.equal(stored.size, 0);
});
