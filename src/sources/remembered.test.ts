// What a source told survives the process, stands in while it is silent, and gives way to what it says.
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeOf } from '../api/parse-object.ts';
import { sampleAddress } from '../model/sample.ts';
import { applyBatch, type Change, emptyWorld } from '../model/world.ts';
import { rememberedSource } from './remembered.ts';
import { readSnapshot } from './snapshot-file.ts';
import type { Source, SourceListener } from './source.ts';

const node = (name: string, address = '192.0.2.1'): Change =>
  changeOf('Node', name, {
    name,
    labels: { zone: 'a' },
    addresses: [sampleAddress(address)],
    podCidrs: [],
    networkUnavailable: false,
    isMember: true,
  });
const gone = (name: string): Change => changeOf('Node', name, undefined);

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gantry-remembered-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** One process, with a source in the test's hand. */
function begin(t: TestContext, file: string, version = '1') {
  let listener: SourceListener | undefined;
  const real: Source = {
    start(given) {
      listener = given;
      return new Promise(() => {});
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const source = rememberedSource({
    source: real,
    file,
    version,
    patienceMilliseconds: 50,
    tell: () => {},
  });
  const world = emptyWorld();
  const heard: Change[] = [];
  const started = source.start({
    batch(batch) {
      heard.push(...batch.changes);
      applyBatch(world, batch);
    },
    problems: () => {},
  });
  const stop = () => source[Symbol.asyncDispose]();
  t.after(stop);
  return {
    world,
    heard,
    started,
    stop,
    tell: (changes: Change[], complete = true) => listener?.batch({ changes, complete }),
  };
}

test('what was told before a restart stands while the source is silent, and then gives way', async (t) => {
  const file = join(folder(t), 'deep', 'objects');
  const first = begin(t, file);
  first.tell([node('a'), node('b')], false);
  first.tell([node('c')]);
  await first.started;
  first.tell([gone('c'), node('d')]);
  await sleep(20);
  await first.stop();

  const second = begin(t, file);
  await second.started;
  assert.equal(second.world.complete, true);
  assert.deepEqual([...second.world.nodes.keys()].sort(), ['a', 'b', 'd']);
  assert.deepEqual(second.world.nodes.get('a'), node('a').object);
  second.heard.length = 0;
  second.tell([node('a')], false);
  assert.deepEqual(second.heard, [], 'a part of the truth removes nothing');
  second.tell([node('b', '192.0.2.9'), node('e')]);
  await sleep(20);
  assert.deepEqual(second.heard, [gone('d'), node('b', '192.0.2.9'), node('e')]);
  second.tell([gone('e')]);
  assert.deepEqual([...second.world.nodes.keys()].sort(), ['a', 'b']);
});

test('a source that answers in time is all that counts', async (t) => {
  const file = join(folder(t), 'objects');
  const first = begin(t, file);
  first.tell([node('a')]);
  await first.started;
  await first.stop();
  const second = begin(t, file);
  second.tell([node('b')]);
  await second.started;
  assert.deepEqual(second.heard, [node('b')]);
  await sleep(80);
  assert.deepEqual([...second.world.nodes.keys()], ['b']);
});

test('what another version wrote is left alone; what follows a broken place is left out', async (t) => {
  const file = join(folder(t), 'objects');
  const first = begin(t, file);
  first.tell([node('a')]);
  await first.started;
  await sleep(20);
  first.tell([node('b')]);
  await first.stop();
  assert.equal(readSnapshot(file, '2'), undefined);
  assert.deepEqual([...(readSnapshot(file, '1')?.keys() ?? [])], ['Node a', 'Node b']);
  truncateSync(file, statSync(file).size - 1);
  assert.deepEqual([...(readSnapshot(file, '1')?.keys() ?? [])], ['Node a']);
  appendFileSync(file, 'rubbish');
  assert.deepEqual([...(readSnapshot(file, '1')?.keys() ?? [])], ['Node a']);
  assert.equal(readSnapshot(`${file}-none`, '1'), undefined);
});
