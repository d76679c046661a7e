// BFD's metrics: sessions by their peer, counts as pulse has them, and the least slack between two scrapes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../observe/prometheus.ts';
import { sampleBfdCounters, sampleBfdState } from '../pulse/sample-bfd.ts';
import { createBfdMetrics } from './bfd-metrics.ts';
import { createBfdSessions } from './bfd-sessions.ts';

test('sessions, counts, refusals and slack are as pulse tells', async () => {
  const registry = new Registry();
  const sessions = createBfdSessions({ send() {}, changed() {} });
  const metrics = createBfdMetrics(registry, sessions);
  const [one, other] = [sampleBfdState('192.0.2.7'), sampleBfdState('192.0.2.8', { state: 'down' })];
  sessions.take({ type: 'bfd', replace: true, upserts: [one, other], removals: [] });
  const counts = { packetsSent: 30, packetsReceived: 20, ups: 2, downs: 1 };
  for (const receiveSlackMilliseconds of [90, 70, 95]) {
    const counters = sampleBfdCounters(
      [{ key: one.key, ...counts, receiveSlackMilliseconds, transmitSlackMilliseconds: undefined }],
      { refused: [{ cause: 'ttl', count: 4 }] },
    );
    sessions.take(counters);
    metrics.countersTold(counters);
  }
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, [
    'metallb_bfd_session_up{peer="192.0.2.7"} 1',
    'metallb_bfd_session_up{peer="192.0.2.8"} 0',
    'metallb_bfd_control_packet_input{peer="192.0.2.7"} 20',
    'metallb_bfd_control_packet_output{peer="192.0.2.7"} 30',
    'metallb_bfd_session_up_events{peer="192.0.2.7"} 2',
    'metallb_bfd_session_down_events{peer="192.0.2.7"} 1',
    'gantry_bfd_refused_total{cause="ttl"} 4',
    'gantry_bfd_smallest_slack_seconds{direction="receive"} 0.07',
  ]);
  assert.doesNotMatch(await registry.metrics(), /slack_seconds\{/);
});
