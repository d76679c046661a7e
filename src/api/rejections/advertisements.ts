// For tests: L2Advertisements and BGPAdvertisements that must be refused.
import type { RawObject } from '../record.ts';
import { configured, type Rejection } from './rejection.ts';

const advertisement =
  (kind: 'L2Advertisement' | 'BGPAdvertisement') =>
  (
    title: string,
    spec: object,
    field: string,
    value: unknown,
    rule: RegExp,
    by: Rejection['by'] = 'schema',
    beside: readonly RawObject[] = [],
  ): Rejection => ({
    title,
    object: configured(kind, 'x', spec),
    beside,
    by,
    field: `spec.${field}`,
    value,
    rule,
  });

const layer2 = advertisement('L2Advertisement');
const bgp = advertisement('BGPAdvertisement');

const pool = (...addresses: string[]) => configured('IPAddressPool', 'public', { addresses });
const preferred = (weight: unknown) => ({ preferredNodeSelectors: [{ weight, preference: {} }] });
const older = (spec: object) => [
  pool('192.0.2.0/24'),
  configured('BGPAdvertisement', 'older', spec),
  configured('BGPPeer', 'r', { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' }),
];

export const advertisementRejections: readonly Rejection[] = [
  layer2(
    'an interface name with a slash',
    { interfaces: ['eth0', 'a/b'] },
    'interfaces[1]',
    'a/b',
    /1 to 15/,
  ),
  layer2(
    'an interface name that is too long',
    { interfaces: ['sixteen-letters-'] },
    'interfaces[0]',
    'sixteen-letters-',
    /1 to 15/,
  ),
  layer2('an empty interface name', { interfaces: [''] }, 'interfaces[0]', '', /1 to 15/),
  layer2('a pool name that cannot be', { ipAddressPools: ['a b'] }, 'ipAddressPools[0]', 'a b', /lower-case/),
  layer2('a weight of nothing', preferred(0), 'preferredNodeSelectors[0].weight', 0, /at least 1/),
  layer2('a weight above a hundred', preferred(101), 'preferredNodeSelectors[0].weight', 101, /at most 100/),
  layer2(
    'a preference without a weight',
    { preferredNodeSelectors: [{ preference: {} }] },
    'preferredNodeSelectors[0].weight',
    undefined,
    /required/,
  ),
  layer2(
    'a label key that cannot be',
    { nodeSelectors: [{ matchExpressions: [{ key: 'a b', operator: 'Exists' }] }] },
    'nodeSelectors[0].matchExpressions[0].key',
    'a b',
    /label key/,
  ),
  layer2(
    'a label key among the labels that cannot be',
    { nodeSelectors: [{ matchLabels: { 'a b': 'c' } }] },
    'nodeSelectors[0].matchLabels["a b"]',
    'a b',
    /label key/,
    'webhook',
  ),

  bgp('an aggregation of nothing', { aggregationLength: 0 }, 'aggregationLength', 0, /at least 1/),
  bgp(
    'an aggregation longer than an address',
    { aggregationLength: 33 },
    'aggregationLength',
    33,
    /at most 32/,
  ),
  bgp(
    'an IPv6 aggregation longer than an address',
    { aggregationLengthV6: 129 },
    'aggregationLengthV6',
    129,
    /at most 128/,
  ),
  bgp('a negative preference', { localPref: -1 }, 'localPref', -1, /at least 0/),
  bgp('a preference of 33 bits', { localPref: 2 ** 32 }, 'localPref', 2 ** 32, /at most 4294967295/),
  bgp(
    'a community given twice',
    { communities: ['64512:1', '64512:1'] },
    'communities[1]',
    '64512:1',
    /given twice/,
    'webhook',
  ),
  bgp(
    'a community of three short numbers',
    { communities: ['1:2:3'] },
    'communities[0]',
    '1:2:3',
    /large:A:B:C/,
  ),
  bgp(
    'a community with a number too large',
    { communities: ['64512:70000'] },
    'communities[0]',
    '64512:70000',
    /up to 65535/,
    'webhook',
  ),
  bgp(
    'a community that nobody named',
    { communities: ['vpn'] },
    'communities[0]',
    'vpn',
    /No Community has an entry named vpn/,
    'webhook',
  ),
  bgp(
    'Services chosen for an aggregate',
    { aggregationLength: 24, serviceSelectors: [{ matchLabels: { a: 'b' } }] },
    'serviceSelectors',
    [{ matchLabels: { a: 'b' } }],
    /only where single addresses/,
  ),
  bgp(
    'an aggregate larger than a block of its pool',
    { aggregationLength: 23 },
    'aggregationLength',
    23,
    /pool public has a block of length 24/,
    'webhook',
    [pool('192.0.2.0/24')],
  ),
  bgp(
    'an aggregate larger than a block of a range',
    { aggregationLength: 25 },
    'aggregationLength',
    25,
    /block of length 26/,
    'webhook',
    [pool('192.0.2.32-192.0.2.130')],
  ),
  bgp(
    'an IPv6 aggregate larger than a block of its pool',
    { aggregationLengthV6: 63 },
    'aggregationLengthV6',
    63,
    /block of length 64/,
    'webhook',
    [pool('2001:db8::/64')],
  ),
  bgp(
    'another preference for the same routes',
    { localPref: 200 },
    'localPref',
    200,
    /BGPAdvertisement older .* local preference 100/,
    'webhook',
    older({ localPref: 100 }),
  ),
  bgp(
    'another preference for the same routes to one of the peers',
    { localPref: 200, peers: ['r'] },
    'localPref',
    200,
    /BGPAdvertisement older/,
    'webhook',
    older({ localPref: 100 }),
  ),
];
