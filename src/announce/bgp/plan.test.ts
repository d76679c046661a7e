// What a node offers its peers: every field of a BGPAdvertisement, endpoints, labels and conditions, as tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr } from '../../model/address.ts';
import { excludeFromLoadBalancersLabel } from '../../model/node.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { Labels } from '../../model/selector.ts';
import type { Change } from '../../model/world.ts';
import { formatCommunity } from './community.ts';
import { type BgpPlanContext, planBgpAddress } from './plan.ts';
import { bgpPlanSentence } from './reason.ts';
import { bgpAdvertisement, bgpWorld, nodeChange, serviceChange, sliceChange } from './sample-world.ts';

const selector = (matchLabels: Labels) => [{ matchLabels, matchExpressions: [] }];
const local: Change = serviceChange('web', ['198.51.100.7'], { externalTrafficPolicy: 'Local' });
const all = bgpAdvertisement('all');

const plan = (changes: readonly Change[], more: Partial<BgpPlanContext> = {}, services = ['shop/web']) =>
  planBgpAddress(
    {
      world: bgpWorld(...changes),
      node: 'a',
      isHealthy: () => true,
      isForwarded: () => true,
      isDrained: false,
      isLeaving: false,
      ...more,
    },
    sampleAddress('198.51.100.7'),
    services,
  );

const prefixes = (changes: readonly Change[], more: Partial<BgpPlanContext> = {}): string[] =>
  plan(changes, more).offers.map(({ prefix }) => formatCidr(prefix));

test('an address is offered as each advertisement says that covers it', () => {
  assert.deepEqual(prefixes([all]), ['198.51.100.7/32']);
  assert.deepEqual(prefixes([all, bgpAdvertisement('block', { aggregationLength: 26 })]), [
    '198.51.100.7/32',
    '198.51.100.0/26',
  ]);
  const { offers } = plan([
    { kind: 'Community', key: 'c', object: { name: 'c', communities: [{ name: 'blue', value: '64500:7' }] } },
    bgpAdvertisement('one', {
      localPref: 200,
      communities: ['blue', 'large:64500:1:2', 'no-export'],
      peers: ['tor'],
    }),
  ]);
  assert.deepEqual(
    offers.map(({ localPreference, peers, communities, weight }) => ({
      localPreference,
      peers,
      communities: communities.map(formatCommunity),
      weight,
    })),
    [
      {
        localPreference: 200,
        peers: ['tor'],
        communities: ['64500:7', 'large:64500:1:2', 'no-export'],
        weight: undefined,
      },
    ],
  );
});

test('each selector decides, and so do the endpoints and the node, each with its reason', () => {
  const cases: readonly (readonly [readonly Change[], string | undefined, Partial<BgpPlanContext>?])[] = [
    [[], 'no-bgp-advertisement'],
    [[bgpAdvertisement('x', { pools: ['lan'] })], undefined],
    [[bgpAdvertisement('x', { pools: ['wan'] })], 'no-bgp-advertisement'],
    [[bgpAdvertisement('x', { poolSelectors: selector({ tier: 'front' }) })], undefined],
    [[bgpAdvertisement('x', { serviceSelectors: selector({ app: 'web' }) })], undefined],
    [[bgpAdvertisement('x', { serviceSelectors: selector({ app: 'db' }) })], 'no-bgp-advertisement'],
    [[bgpAdvertisement('x', { nodeSelectors: selector({ name: 'a' }) })], undefined],
    [[bgpAdvertisement('x', { nodeSelectors: selector({ name: 'b' }) })], 'node-selector-mismatch'],
    [[all, sliceChange('web', [])], 'no-ready-endpoint'],
    [[all, sliceChange('web', ['b'])], undefined],
    [[all, local], undefined],
    [[all, local, sliceChange('web', ['b'])], 'no-local-endpoint'],
    [[all, nodeChange('a', { labels: { [excludeFromLoadBalancersLabel]: '' } })], 'node-excluded'],
    [[all, nodeChange('a', { networkUnavailable: true })], 'node-network-unavailable'],
    [[all, nodeChange('a', { isMember: false })], 'node-without-gantry'],
    [[all], 'node-drained', { isDrained: true }],
    [[all], 'no-ready-endpoint', { isHealthy: () => false }],
  ];
  for (const [index, [changes, reason, more]] of cases.entries()) {
    const name = `case ${index}`;
    const { offers, reasons } = plan(changes, more);
    assert.deepEqual(
      reasons.map(({ kind }) => kind),
      reason === undefined ? [] : [reason],
      name,
    );
    assert.equal(offers.length, reason === undefined ? 1 : 0, name);
  }
});

test('what this node does not forward yet is not offered, and is no fault', () => {
  assert.deepEqual(plan([all], { isForwarded: () => false }), {
    address: sampleAddress('198.51.100.7'),
    offers: [],
    reasons: [],
  });
});

test('a name that is no community any more costs the community alone', () => {
  const { offers, reasons } = plan([bgpAdvertisement('x', { communities: ['gone', '64500:1'] })]);
  assert.deepEqual(offers[0]?.communities.map(formatCommunity), ['64500:1']);
  assert.deepEqual(reasons, [{ kind: 'unknown-community', advertisement: 'x', community: 'gone' }]);
});

test('with Local, the weight is the number of this node’s endpoints, of all Services that share the address', () => {
  const weightOn = (node: string, ...changes: readonly Change[]): number | undefined =>
    plan([all, ...changes], { node }, ['shop/api', 'shop/web']).offers[0]?.weight;
  assert.equal(weightOn('a', local), 1);
  assert.equal(weightOn('b', local), 2);
  const sharing = (policy: 'Local' | 'Cluster') => [
    serviceChange('api', ['198.51.100.7'], { externalTrafficPolicy: policy }),
    sliceChange('api', ['b']),
  ];
  assert.equal(weightOn('b', local, ...sharing('Local')), 3);
  assert.equal(weightOn('b', local, ...sharing('Cluster')), undefined);
});

test('every reason is a sentence that names its subject', () => {
  for (const { reasons } of [plan([]), plan([all], { isDrained: true }), plan([all, sliceChange('web', [])])])
    for (const reason of reasons) assert.match(bgpPlanSentence(reason), /(shop\/web|drained).*\.$/);
});

test('a node that is to be left still offers what it did, whatever its label says', () => {
  const excluded = nodeChange('a', {
    labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' },
  });
  const all = bgpAdvertisement('all');
  assert.equal(plan([all, excluded]).offers.length, 0);
  assert.equal(plan([all, excluded], { isLeaving: true }).offers.length, 1);
});
