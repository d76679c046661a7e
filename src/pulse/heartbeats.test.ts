// Heartbeats under keys that are exchanged while all runs, and on routes that fail.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { anyBeat } from '../announce/membership/sample-messages.ts';
import type { Beat } from '../announce/membership/state.ts';
import { formatAddress } from '../model/address.ts';
import { silentLog } from '../observe/log.ts';
import { createHeartbeats } from './heartbeats.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-heartbeats-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const members = [
  { name: 'a', addresses: ['192.0.2.11'] },
  { name: 'b', addresses: ['192.0.2.12', '2001:db8:1::12'] },
];
const beat = { ...(fc.sample(anyBeat, { seed: 1, numRuns: 1 })[0] as Beat), to: 'b' };

function node(name: string, keys: string) {
  const file = join(directory, `${name}.key`);
  writeFileSync(file, keys);
  const sent: { bytes: Uint8Array; to: string }[] = [];
  const events: string[] = [];
  const note = (event: string): void => void events.push(event);
  const heartbeats = createHeartbeats(
    { send: (bytes, to) => sent.push({ bytes, to: formatAddress(to) }) },
    { ...silentLog, error: note },
  );
  heartbeats.configure(name, members, file);
  return {
    heartbeats,
    sent,
    events,
    setKeys(text: string): void {
      writeFileSync(file, text);
      heartbeats.readKeys();
    },
  };
}

test('keys are exchanged in three steps, and in each both nodes hear each other, whoever takes it first', () => {
  const [a, b] = [node('a', 'old\n'), node('b', 'old\n')];
  const isHeard = (): boolean => {
    a.heartbeats.send(beat, 0);
    const bytes = a.sent.at(-1)?.bytes ?? new Uint8Array();
    return !('error' in (b.heartbeats.read(bytes, '192.0.2.11') ?? { error: 'none' }));
  };
  assert.equal(isHeard(), true);
  for (const step of ['old\nnew\n', '\nnew\n old \n', 'new'])
    for (const one of [a, b]) {
      one.setKeys(step);
      assert.equal(isHeard(), true, step);
    }
  b.setKeys('another');
  assert.equal(isHeard(), false);
});

test('a key file that is gone, or empty, leaves the keys that were read before in force, and is told of once', () => {
  const a = node('a', 'old');
  a.setKeys('');
  a.setKeys(' \n');
  assert.deepEqual(a.events, ['key-unreadable']);
  assert.equal(a.heartbeats.isDeaf, false);
  assert.equal(a.heartbeats.keys.length, 1);
});

test('after two heartbeats without an answer the next address of the member is tried', () => {
  const a = node('a', 'key');
  for (let unanswered = 0; unanswered < 5; unanswered++) a.heartbeats.send(beat, unanswered);
  assert.deepEqual(
    a.sent.map(({ to }) => to),
    ['192.0.2.12', '192.0.2.12', '192.0.2.12', '2001:db8:1::12', '192.0.2.12'],
  );
});
