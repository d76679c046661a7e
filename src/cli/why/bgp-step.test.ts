// The step of BGP in the chain: it is there where an advertisement asks for it, in place of layer 2 or beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advertisement, node, pool, service, slice } from '../../agent/test-world.ts';
import { bgpAdvertisement, bgpPeer } from '../../announce/bgp/sample-world.ts';
import type { NodeReport } from '../../api/node-report.ts';
import type { Change } from '../../model/world.ts';
import { nodeReport, type SnapshotParts, sampleNow, snapshotOf } from '../sample-snapshot.ts';
import { overviewOf } from '../status/overview.ts';
import { chainOf, firstProblem, isBroken } from './chain.ts';

const anyClass = { loadBalancerClass: undefined, required: false };
const bgp = (state: 'established' | 'active'): NodeReport['bgp'] => ({
  unused: [],
  peers: [
    {
      name: 'tor',
      address: '192.0.2.254',
      port: 179,
      state,
      since: '2026-01-31T11:00:00.000Z',
      localAsn: 64500,
      families: state === 'established' ? ['IPv4'] : [],
      capabilities: [],
      peerCapabilities: [],
      told: state === 'established',
      prefixes: 1,
      sent: 5,
      received: 4,
      ...(state === 'active' ? { lastError: 'no connection: nobody answers' } : {}),
    },
  ],
});

const parts = (state: 'established' | 'active', ...more: readonly Change[]): SnapshotParts => ({
  changes: [
    pool(),
    node('node-1'),
    bgpPeer('tor'),
    bgpAdvertisement('all'),
    service('a', ['192.0.2.1']),
    slice('a', [{ node: 'node-1' }]),
    ...more,
  ],
  reports: [nodeReport('node-1', { 'node-1': 'alive' }, { bgp: bgp(state) })],
  bgpAnnouncers: state === 'established' ? { 'web/a': ['node-1'] } : {},
});
const chain = (all: SnapshotParts) => chainOf(snapshotOf(all), anyClass, 'web/a', sampleNow);
const stepsOf = (all: SnapshotParts): string[] =>
  chain(all).steps.map(({ step, verdict }) => `${step} ${verdict}`);

test('a Service for BGP alone is judged by what its peers were told', () => {
  const well = parts('established');
  assert.deepEqual(stepsOf(well).slice(-4), ['endpoints ok', 'bgp ok', 'forwarding ok', 'host ok']);
  assert.deepEqual(chain(well).owners, ['node-1']);
  assert.equal(chain(well).steps.find(({ step }) => step === 'bgp')?.message, 'Announced by node-1 to tor.');
  assert.equal(overviewOf(snapshotOf(well), anyClass, sampleNow).services[0]?.state, 'answering');
  const ill = parts('active');
  assert.equal(isBroken(chain(ill)), true);
  assert.equal(
    firstProblem(chain(ill))?.message,
    'No BGP peer has been told of 192.0.2.1. The session with tor is active: no connection: nobody answers.',
  );
  assert.equal(overviewOf(snapshotOf(ill), anyClass, sampleNow).services[0]?.state, 'not-announced');
});

test('with both kinds of advertisement, both are judged', () => {
  const names = stepsOf(parts('established', advertisement())).map((one) => one.split(' ')[0]);
  assert.deepEqual(names.slice(-6), ['advertisement', 'candidates', 'owner', 'bgp', 'forwarding', 'host']);
});
