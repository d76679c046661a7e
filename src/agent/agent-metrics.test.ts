// Tests of the agent's metrics as a scrape shows them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../observe/prometheus.ts';
import type { LinkCounters, LinkOwned } from '../pulse/link.ts';
import { sampleMember, sampleMembers, sampleOwned } from '../pulse/sample-link.ts';
import { type AgentState, createAgentMetrics } from './agent-metrics.ts';

function start() {
  const owned = new Map<string, readonly LinkOwned[]>();
  const counters = new Map<string, LinkCounters>();
  const state: AgentState = {
    node: 'node-1',
    pulse: {
      ownership: { addresses: owned, apply: () => new Set() },
      counters,
      isConnected: true,
      members: sampleMembers([
        sampleMember('node-0'),
        sampleMember('node-1', 'alive', { unheard: ['node-2'] }),
        sampleMember('node-2', 'dead'),
      ]),
      leases: {
        type: 'leases',
        recentSlackMilliseconds: 70,
        smallestSlackMilliseconds: 20,
        lapses: 2,
        conflicts: 3,
      },
    },
    servicesOf: (address) => (address === '192.0.2.1' ? ['web/a', 'web/b'] : ['web/c']),
    kernel: {
      frontends: 4,
      failures: new Map([['web/d', { kind: 'other-service-proxy', service: 'web/d', proxy: 'x' }]]),
    },
    announcedByBgp: () => ['2001:db8::1'],
    unhealthyEndpoints: () => 2,
    strangers: () => 3,
    findings: () => [{ severity: 'error', reason: { kind: 'ipv6-absent' } }],
  };
  const registry = new Registry();
  const metrics = createAgentMetrics(registry, state);
  /** The samples of these metrics, without help and types. */
  const scrape = async (prefix: string): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(prefix));
  const own = (address: string): void => {
    owned.set(address, [sampleOwned(address)]);
  };
  return { owned, counters, metrics, scrape, own };
}

test('each Service of an owned address is announced, and no more once it is lost', async () => {
  const { owned, scrape, own } = start();
  own('192.0.2.1');
  own('2001:db8::1');
  assert.deepEqual(await scrape('metallb_speaker'), [
    'metallb_speaker_announced{service="web/a",protocol="layer2",node="node-1",ip="192.0.2.1"} 1',
    'metallb_speaker_announced{service="web/b",protocol="layer2",node="node-1",ip="192.0.2.1"} 1',
    'metallb_speaker_announced{service="web/c",protocol="layer2",node="node-1",ip="2001:db8::1"} 1',
    'metallb_speaker_announced{service="web/c",protocol="bgp",node="node-1",ip="2001:db8::1"} 1',
  ]);
  owned.delete('192.0.2.1');
  assert.equal((await scrape('metallb_speaker')).length, 2);
});

test('the counters are those of pulse, however often they are scraped', async () => {
  const { counters, scrape } = start();
  const address = '192.0.2.1';
  for (const requestsReceived of [5, 9]) {
    counters.set(address, { address, requestsReceived, responsesSent: 4, gratuitousSent: 6 });
    assert.deepEqual(await scrape('metallb_layer2'), [
      `metallb_layer2_requests_received{ip="192.0.2.1"} ${requestsReceived}`,
      'metallb_layer2_responses_sent{ip="192.0.2.1"} 4',
      'metallb_layer2_gratuitous_sent{ip="192.0.2.1"} 6',
    ]);
  }
});

test('the state of node, members and data plane is read when it is asked for', async () => {
  const { metrics, scrape } = start();
  metrics.synced(0.003);
  metrics.gained(sampleOwned('192.0.2.1', { cause: 'takeover', silenceMilliseconds: 160 }));
  for (const recentSlackMilliseconds of [70, 64, undefined])
    metrics.leasesTold({
      type: 'leases',
      recentSlackMilliseconds,
      smallestSlackMilliseconds: 20,
      lapses: 2,
      conflicts: 3,
    });
  const lines = await scrape('gantry_');
  for (const expected of [
    'gantry_pulse_connected 1',
    'gantry_members{state="alive"} 2',
    'gantry_members{state="dead"} 1',
    'gantry_data_plane_frontends 4',
    'gantry_data_plane_failed_services 1',
    'gantry_data_plane_sync_seconds_bucket{le="0.005"} 1',
    'gantry_data_plane_sync_seconds_bucket{le="0.002"} 0',
    'gantry_unhealthy_endpoints 2',
    'gantry_stranger_addresses 3',
    'gantry_host_findings{kind="ipv6-absent",severity="error"} 1',
    'gantry_addresses_gained_total{cause="takeover"} 1',
    'gantry_takeover_seconds_bucket{le="0.2"} 1',
    'gantry_takeover_seconds_bucket{le="0.15"} 0',
    'gantry_lease_smallest_slack_seconds 0.064',
    'gantry_lease_lapses_total 2',
    'gantry_member_conflicts_total 3',
    'gantry_member_votes{member="node-2"} 1',
    'gantry_member_votes{member="node-1"} 0',
    'gantry_majority 1',
    'gantry_draining 0',
  ]) {
    assert.ok(lines.includes(expected), expected);
  }
  assert.deepEqual(
    await scrape('gantry_lease_smallest'),
    [],
    'what one scrape has seen is not shown to the next',
  );
});

test('of an address that is spread, the shares that are here are counted', async () => {
  const { owned, scrape, own } = start();
  own('2001:db8::1');
  owned.set('192.0.2.1', [sampleOwned('192.0.2.1#3'), sampleOwned('192.0.2.1#9')]);
  assert.deepEqual(await scrape('gantry_address_shares'), ['gantry_address_shares{ip="192.0.2.1"} 2']);
  const announced = (await scrape('metallb_speaker')).filter((line) => line.includes('ip="192.0.2.1"'));
  assert.equal(announced.filter((line) => line.includes('protocol="layer2"')).length, 2);
});
