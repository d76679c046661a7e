// What a route carries to whom: attributes inside and outside an AS, when leaving, and its aggregate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseAddress } from '../../model/address.ts';
import { announcedPrefix } from './aggregate.ts';
import { linkBandwidth } from './community.ts';
import { type PathIntent, type PathPeer, pathSet, usesReach } from './path-set.ts';

const addressOf = (text: string) => parseAddress(text) ?? assert.fail(text);
const intent: PathIntent = { localPreference: 300, communities: [], bandwidthBytesPerSecond: undefined };
const peer: PathPeer = {
  isInternal: false,
  localAsn: 64500,
  nextHops: [addressOf('192.0.2.1')],
  isLeaving: false,
};

test('local preference stays inside the AS, and the path has our number outside', () => {
  assert.deepEqual(pathSet(intent, peer).attributes, [
    { kind: 'origin', origin: 'igp' },
    { kind: 'as-path', segments: [{ kind: 'sequence', asns: [64500] }] },
  ]);
  assert.deepEqual(pathSet(intent, { ...peer, isInternal: true }).attributes, [
    { kind: 'origin', origin: 'igp' },
    { kind: 'as-path', segments: [] },
    { kind: 'local-preference', value: 300 },
  ]);
});

test('who leaves says so, and is the last choice (RFC 8326)', () => {
  const { attributes } = pathSet(intent, { ...peer, isInternal: true, isLeaving: true });
  assert.deepEqual(attributes.slice(2), [
    { kind: 'local-preference', value: 0 },
    { kind: 'communities', communities: [0xffff0000] },
  ]);
});

test('communities of all kinds are each told once, in ascending order', () => {
  const { attributes } = pathSet(
    {
      localPreference: undefined,
      communities: [
        { kind: 'large', value: [2, 0, 0] },
        { kind: 'standard', value: 9 },
        { kind: 'large', value: [1, 0, 0] },
        { kind: 'standard', value: 9 },
        { kind: 'standard', value: 3 },
      ],
      bandwidthBytesPerSecond: 1000,
    },
    peer,
  );
  assert.deepEqual(attributes.slice(2), [
    { kind: 'communities', communities: [3, 9] },
    { kind: 'extended-communities', communities: [linkBandwidth(64500, 1000)] },
    {
      kind: 'large-communities',
      communities: [
        [1, 0, 0],
        [2, 0, 0],
      ],
    },
  ]);
});

test('the kind of next hop decides how routes go', () => {
  const set = pathSet(intent, peer);
  assert.equal(usesReach('IPv4', set), false);
  assert.equal(usesReach('IPv4', { ...set, nextHops: [addressOf('2001:db8::1')] }), true);
  assert.equal(usesReach('IPv6', { ...set, nextHops: [addressOf('2001:db8::1')] }), true);
});

test('addresses of one aggregate come to one prefix', () => {
  const lengths = { aggregationLength: 24, aggregationLengthV6: 64 };
  assert.equal(formatCidr(announcedPrefix(addressOf('198.51.100.7'), lengths)), '198.51.100.0/24');
  assert.equal(formatCidr(announcedPrefix(addressOf('2001:db8::7'), lengths)), '2001:db8::/64');
});
