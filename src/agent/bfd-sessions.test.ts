// The agent's view of BFD: told again on every connection, and each change seen once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdToPulse } from '../pulse/bfd-link.ts';
import { sampleBfdCounters, sampleBfdState } from '../pulse/sample-bfd.ts';
import { createBfdSessions } from './bfd-sessions.ts';

function bench() {
  const sent: BfdToPulse[] = [];
  const changes: string[] = [];
  const sessions = createBfdSessions({
    send: (message) => sent.push(message),
    changed: (before, after) =>
      changes.push(`${after?.peer ?? before?.peer}: ${before?.state ?? '-'} → ${after?.state ?? '-'}`),
  });
  return { sent, changes, sessions };
}

test('nothing is wanted before it is known what is, and then on every connection', () => {
  const { sent, sessions } = bench();
  sessions.connected();
  assert.deepEqual(sent, []);
  sessions.want([]);
  sessions.connected();
  assert.deepEqual(sent, [
    { type: 'bfd', sessions: [] },
    { type: 'bfd', sessions: [] },
  ]);
});

test('each change is seen with what was before; a whole report takes away what it leaves out', () => {
  const { changes, sessions } = bench();
  const [one, other] = [sampleBfdState('192.0.2.7'), sampleBfdState('192.0.2.8', { state: 'down' })];
  sessions.take({ type: 'bfd', replace: true, upserts: [one, other], removals: [] });
  sessions.take({ type: 'bfd', replace: false, upserts: [{ ...one, state: 'down' }], removals: [other.key] });
  sessions.take({ type: 'bfd', replace: false, upserts: [], removals: [other.key] });
  sessions.take({ type: 'bfd', replace: true, upserts: [other], removals: [] });
  assert.deepEqual(changes, [
    '192.0.2.7: - → up',
    '192.0.2.8: - → down',
    '192.0.2.8: down → -',
    '192.0.2.7: up → down',
    '192.0.2.7: down → -',
    '192.0.2.8: - → down',
  ]);
  assert.deepEqual([...sessions.states.keys()], [other.key]);
});

test('the counters are those told last', () => {
  const { sessions } = bench();
  assert.equal(sessions.counters, undefined);
  const counters = sampleBfdCounters([]);
  sessions.take(counters);
  assert.equal(sessions.counters, counters);
});
