// The BGP and BFD kinds: each field's range and default, and the rules within one object.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr } from '../model/address.ts';
import { parseBfdProfile } from './bfd-profile.ts';
import { parseBgpAdvertisement } from './bgp-advertisement.ts';
import { parseBgpPeer } from './bgp-peer.ts';
import { parseCommunity } from './community.ts';
import { formatPath, type Parsed } from './field-problem.ts';
import type { RawObject } from './record.ts';

const parserOf =
  <T>(kind: string, parse: (raw: RawObject) => Parsed<T>) =>
  (spec: unknown, version = 'v1beta1') =>
    parse({ apiVersion: `metallb.io/${version}`, kind, metadata: { name: 'x' }, spec });

const peer = parserOf('BGPPeer', parseBgpPeer);
const advertisement = parserOf('BGPAdvertisement', parseBgpAdvertisement);
const profile = parserOf('BFDProfile', parseBfdProfile);
const community = parserOf('Community', parseCommunity);

/** The fields of the errors. */
const refused = ({ object, problems }: Parsed<unknown>): string[] => {
  assert.equal(object, undefined);
  return problems.map(({ path }) => formatPath(path));
};

const session = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' };
const peer2 = (spec: Record<string, unknown>) => peer({ ...session, ...spec }, 'v1beta2');

test('a peer has the defaults of the reference', () => {
  const { object } = peer2({});
  assert.equal(object?.peerPort, 179);
  assert.equal(object?.holdTimeSeconds, 90);
  assert.equal(object?.keepaliveTimeSeconds, 30);
  assert.equal(object?.connectTimeSeconds, undefined);
  assert.equal(object?.peerAsn, 64_513);
  assert.equal(object?.enableGracefulRestart, false);
});

test('one of hold and keepalive time implies the other', () => {
  assert.equal(peer2({ holdTime: '30s' }).object?.keepaliveTimeSeconds, 10);
  assert.equal(peer2({ keepaliveTime: '1m' }).object?.holdTimeSeconds, 180);
  const none = peer2({ holdTime: '0s' }).object;
  assert.equal(none?.holdTimeSeconds, 0);
  assert.equal(none?.keepaliveTimeSeconds, 0);
});

test('session times out of range are refused', () => {
  assert.deepEqual(refused(peer2({ holdTime: '2s' })), ['spec.holdTime']);
  assert.deepEqual(refused(peer2({ holdTime: 'soon' })), ['spec.holdTime']);
  assert.deepEqual(refused(peer2({ holdTime: '9s', keepaliveTime: '10s' })), ['spec.keepaliveTime']);
  assert.deepEqual(refused(peer2({ keepaliveTime: '500ms' })), ['spec.keepaliveTime']);
  assert.deepEqual(refused(peer2({ connectTime: '1500ms' })), ['spec.connectTime']);
  assert.deepEqual(refused(peer2({ connectTime: '0s' })), ['spec.connectTime']);
  assert.equal(peer2({ connectTime: '10s' }).object?.connectTimeSeconds, 10);
});

test('of each pair of fields that exclude each other, one is given', () => {
  assert.deepEqual(refused(peer2({ dynamicASN: 'external' })), ['spec.dynamicASN']);
  assert.deepEqual(refused(peer2({ peerASN: undefined })), ['spec.peerASN']);
  assert.equal(peer2({ peerASN: 0, dynamicASN: 'external' }).object?.peerAsn, 'external');
  assert.deepEqual(refused(peer2({ interface: 'eth0' })), ['spec.peerAddress']);
  assert.deepEqual(refused(peer2({ peerAddress: undefined })), ['spec.peerAddress']);
  assert.deepEqual(peer2({ peerAddress: undefined, interface: 'eth0' }).object?.peer, { interface: 'eth0' });
  assert.deepEqual(refused(peer2({ password: 'a', passwordSecret: { name: 'b' } })), ['spec.password']);
  assert.deepEqual(peer2({ passwordSecret: { name: 'b' } }).object?.passwordSecret, {
    name: 'b',
    namespace: 'default',
  });
});

test('a peer with a number, an address or a session that cannot be is refused', () => {
  assert.deepEqual(refused(peer2({ myASN: 0 })), ['spec.myASN']);
  assert.deepEqual(refused(peer2({ myASN: 4_294_967_296 })), ['spec.myASN']);
  assert.deepEqual(refused(peer2({ peerPort: 16_385 })), ['spec.peerPort']);
  assert.deepEqual(refused(peer2({ peerPort: 0 })), ['spec.peerPort']);
  assert.deepEqual(refused(peer2({ sourceAddress: '192.0.2.0/24' })), ['spec.sourceAddress']);
  assert.deepEqual(refused(peer2({ routerID: '2001:db8::1' })), ['spec.routerID']);
  assert.deepEqual(refused(peer2({ peerASN: 64_512, ebgpMultiHop: true })), ['spec.ebgpMultiHop']);
  assert.deepEqual(refused(peer2({ peerASN: 0, dynamicASN: 'internal', ebgpMultiHop: true })), [
    'spec.ebgpMultiHop',
  ]);
});

test('the older version of a peer is read as the newer one, whose fields it keeps', () => {
  const old = peer({
    ...session,
    holdTime: '30s',
    ebgpMultiHop: true,
    nodeSelectors: [{ matchLabels: { a: 'b' } }],
  });
  assert.deepEqual(old.problems, []);
  assert.equal(old.object?.holdTimeSeconds, 30);
  assert.equal(old.object?.vrf, undefined);
  const kept = peer({ ...session, vrf: 'red' });
  assert.deepEqual(kept.problems, []);
  assert.equal(kept.object?.vrf, 'red');
  const unnumbered = peer({
    myASN: 1,
    peerASN: 0,
    peerAddress: '',
    dynamicASN: 'external',
    interface: 'eth0',
  });
  assert.equal(unnumbered.object?.peerAsn, 'external');
  assert.deepEqual(unnumbered.object?.peer, { interface: 'eth0' });
  assert.deepEqual(refused(peer({ myASN: 1, peerASN: 2 })), ['spec.peerAddress']);
  assert.deepEqual(refused(peer({ myASN: 1, peerASN: 0, peerAddress: '192.0.2.1' })), ['spec.peerASN']);
});

test('annotations of a peer say what MetalLB has no field for', () => {
  const annotated = (annotations: Record<string, string>, spec: object = {}) =>
    parseBgpPeer({
      apiVersion: 'metallb.io/v1beta2',
      kind: 'BGPPeer',
      metadata: { name: 'x', annotations },
      spec: { ...session, ...spec },
    });
  const { object, problems } = annotated(
    {
      'gantry.dev/peer-range': '192.0.2.7/25',
      'gantry.dev/passive': 'true',
      'gantry.dev/role': 'rs-client',
      'gantry.dev/role-strict': 'true',
      'gantry.dev/long-lived-graceful-restart': '24h',
      'example.com/other': 'x',
    },
    { enableGracefulRestart: true },
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [object?.isPassive, object?.role, object?.isRoleStrict, object?.longLivedSeconds],
    [true, 'route-server-client', true, 86_400],
  );
  assert.equal(object?.listenRange && formatCidr(object.listenRange), '192.0.2.0/25');
  const wrong: readonly (readonly [string, string, object?])[] = [
    ['peer-range', '2001:db8::/64'],
    ['peer-range', '192.0.2.0/33'],
    ['peer-range', '192.0.2.0/24', { peerAddress: undefined, interface: 'eth0' }],
    ['passive', 'yes'],
    ['role', 'boss'],
    ['role', 'constructor'],
    ['role', 'peer', { peerASN: session.myASN }],
    ['role-strict', 'true'],
    ['long-lived-graceful-restart', '1.5s', { enableGracefulRestart: true }],
    ['long-lived-graceful-restart', '200d'],
    ['long-lived-graceful-restart', '1h'],
  ];
  for (const [name, value, spec] of wrong)
    assert.deepEqual(
      [...new Set(refused(annotated({ [`gantry.dev/${name}`]: value }, spec)))],
      [`metadata.annotations["gantry.dev/${name}"]`],
      `${name}: ${value}`,
    );
  assert.equal(annotated({ 'gantry.dev/pasive': 'true' }).problems[0]?.severity, 'warning');
});

test('what is deprecated is in force, with a warning', () => {
  const { object, problems } = peer2({ disableMP: true });
  assert.equal(object?.disableMp, true);
  assert.deepEqual(
    problems.map(({ path, severity }) => [formatPath(path), severity]),
    [['spec.disableMP', 'warning']],
  );
});

test('an advertisement advertises single addresses of all pools unless told otherwise', () => {
  const { object } = advertisement(undefined);
  assert.equal(object?.aggregationLength, 32);
  assert.equal(object?.aggregationLengthV6, 128);
  assert.equal(object?.localPref, undefined);
  assert.deepEqual(object?.pools, []);
});

test('an advertisement with lengths, preferences or communities out of range is refused', () => {
  assert.deepEqual(refused(advertisement({ aggregationLength: 0 })), ['spec.aggregationLength']);
  assert.deepEqual(refused(advertisement({ aggregationLength: 33 })), ['spec.aggregationLength']);
  assert.deepEqual(refused(advertisement({ aggregationLengthV6: 129 })), ['spec.aggregationLengthV6']);
  assert.deepEqual(refused(advertisement({ localPref: -1 })), ['spec.localPref']);
  assert.deepEqual(refused(advertisement({ communities: ['64512:1', 'vpn', '64512:1'] })), [
    'spec.communities[2]',
  ]);
  assert.deepEqual(refused(advertisement({ communities: ['64512:70000'] })), ['spec.communities[0]']);
  const selected = { aggregationLength: 24, serviceSelectors: [{ matchLabels: { a: 'b' } }] };
  assert.deepEqual(refused(advertisement(selected)), ['spec.serviceSelectors']);
});

test('communities are two short numbers, or three long ones', () => {
  const valueIs = (value: string) => community({ communities: [{ name: 'a', value }] });
  for (const value of ['64512:100', '0:65535', 'large:4294967295:1:0']) {
    assert.deepEqual(valueIs(value).problems, [], value);
  }
  for (const value of ['64512', '64512:65536', '1:2:3', 'large:1:2', 'large:4294967296:1:2', 'a:b', '1:2 ']) {
    assert.deepEqual(refused(valueIs(value)), ['spec.communities[0].value'], value);
  }
  const twice = [
    { name: 'a', value: '1:2' },
    { name: 'a', value: '1:3' },
  ];
  assert.deepEqual(refused(community({ communities: twice })), ['spec.communities[1].name']);
});

test('a BFD profile has the defaults and the bounds of the reference', () => {
  assert.deepEqual(profile({}).object, {
    name: 'x',
    receiveIntervalMilliseconds: 300,
    transmitIntervalMilliseconds: 300,
    detectMultiplier: 3,
    echoIntervalMilliseconds: 50,
    echoMode: false,
    passiveMode: false,
    minimumTtl: 254,
  });
  const bounds = {
    receiveInterval: [10, 60_000],
    transmitInterval: [10, 60_000],
    echoInterval: [10, 60_000],
    detectMultiplier: [2, 255],
    minimumTtl: [1, 254],
  };
  for (const [field, [least = 0, most = 0]] of Object.entries(bounds)) {
    for (const value of [least, most]) assert.deepEqual(profile({ [field]: value }).problems, []);
    for (const value of [least - 1, most + 1]) {
      assert.deepEqual(refused(profile({ [field]: value })), [`spec.${field}`], `${value}`);
    }
  }
});
