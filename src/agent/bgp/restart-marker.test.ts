// The mark of a restart: seen by the next agent, not by the one that set it, and gone when it is taken back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { restartMarker } from './restart-marker.ts';

test('the mark is the next agent’s to see', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-marker-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const runDirectory = join(directory, 'not-there-yet');
  const first = restartMarker(runDirectory);
  assert.equal(first.isSet, false);
  first.set(true);
  first.set(true);
  assert.equal(first.isSet, false);
  const second = restartMarker(runDirectory);
  assert.equal(second.isSet, true);
  second.set(false);
  assert.equal(restartMarker(runDirectory).isSet, false);
});
