// For tests: objects that are accepted: with every field that can stand beside the others, and at the edge of a rule.
import type { RawObject } from '../record.ts';
import { configured } from '../rejections/rejection.ts';

const selector = {
  matchLabels: { 'example.com/tier': 'front' },
  matchExpressions: [
    { key: 'zone', operator: 'In', values: ['a', 'b'] },
    { key: 'old', operator: 'DoesNotExist' },
  ],
};

const peer = {
  myASN: 64_512,
  localASN: 64_520,
  sourceAddress: '192.0.2.9',
  peerPort: 1790,
  holdTime: '1m30s',
  keepaliveTime: '30s',
  connectTime: '5s',
  routerID: '192.0.2.9',
  nodeSelectors: [selector],
  passwordSecret: { name: 'tcp-md5', namespace: 'gantry-system' },
  bfdProfile: 'fast',
  enableGracefulRestart: true,
  ebgpMultiHop: true,
  vrf: 'red',
  disableMP: true,
  dualStackAddressFamily: true,
};

/** One of each configuration kind and version. */
export const fullObjects: readonly RawObject[] = [
  configured('IPAddressPool', 'public', {
    addresses: ['192.0.2.0/24', '2001:db8::1-2001:db8::9'],
    autoAssign: false,
    avoidBuggyIPs: true,
    serviceAllocation: {
      priority: 1,
      namespaces: ['shop'],
      namespaceSelectors: [selector],
      serviceSelectors: [selector],
    },
  }),
  configured('L2Advertisement', 'lan', {
    ipAddressPools: ['public'],
    ipAddressPoolSelectors: [selector],
    nodeSelectors: [selector],
    interfaces: ['eth0', '.hidden', '...'],
    serviceSelectors: [selector],
    preferredNodeSelectors: [{ weight: 100, preference: selector }],
  }),
  configured('BGPAdvertisement', 'wan', {
    aggregationLength: 32,
    aggregationLengthV6: 128,
    localPref: 4_294_967_295,
    communities: ['64512:1', 'large:64512:1:2', 'vpn'],
    ipAddressPools: ['public'],
    ipAddressPoolSelectors: [selector],
    nodeSelectors: [selector],
    peers: ['upstream'],
    serviceSelectors: [selector],
  }),
  configured('BGPPeer', 'any', { ...peer, dynamicASN: 'external', interface: 'eth0' }),
  configured(
    'BGPPeer',
    'older',
    { ...peer, peerASN: 0, peerAddress: '', dynamicASN: 'external', interface: 'eth0' },
    'v1beta1',
  ),
  configured('BFDProfile', 'fast', {
    receiveInterval: 10,
    transmitInterval: 60_000,
    detectMultiplier: 2,
    echoInterval: 50,
    echoMode: true,
    passiveMode: true,
    minimumTtl: 1,
  }),
  configured('Community', 'names', {
    communities: [
      { name: 'vpn', value: '64512:2' },
      { name: 'wide', value: 'large:4294967295:0:1' },
    ],
  }),
];

const session = { myASN: 1, peerASN: 4_294_967_295, peerAddress: '2001:db8::1' };

/** Beside an ordinary session. */
const peerEdges: readonly object[] = [
  {},
  { myASN: 64_512, peerASN: 64_512 },
  { ebgpMultiHop: true },
  { peerASN: 0, dynamicASN: 'external', ebgpMultiHop: true },
  { peerASN: undefined, dynamicASN: 'internal' },
  { peerAddress: '', interface: 'eth0' },
  { interface: '', vrf: '', bfdProfile: '', routerID: '', sourceAddress: '', password: '' },
  { holdTime: '0s', keepaliveTime: '0s' },
  { holdTime: '3s' },
  { holdTime: '18h12m15s' },
  { holdTime: '90s', keepaliveTime: '90000ms' },
  { keepaliveTime: '0s' },
  { keepaliveTime: '1s' },
  { keepaliveTime: '21845s' },
  { connectTime: '1000ms' },
  { connectTime: '65535s' },
  { connectTime: '1.5m' },
  { password: 'a', passwordSecret: {} },
  { password: '', passwordSecret: { name: 'a' } },
  { peerPort: 1 },
  { peerPort: 16_384 },
  { nodeSelectors: [{}] },
];

export const edgeObjects: readonly RawObject[] = [
  ...peerEdges.map((spec) => configured('BGPPeer', 'x', { ...session, ...spec })),
  configured('BGPPeer', 'x', session, 'v1beta1'),
  configured('BGPPeer', 'x', { ...session, holdTime: '3s', nodeSelectors: [{}] }, 'v1beta1'),
  configured('BGPAdvertisement', 'x', undefined),
  configured('BGPAdvertisement', 'x', { aggregationLength: 1, aggregationLengthV6: 1, serviceSelectors: [] }),
  configured('BGPAdvertisement', 'x', { serviceSelectors: [{}], localPref: 0 }),
  configured('L2Advertisement', 'x', undefined),
  configured('L2Advertisement', 'x', { preferredNodeSelectors: [{ weight: 1, preference: {} }] }),
  configured('L2Advertisement', 'x', { interfaces: ['eth0', 'eth0', 'fifteen-letters'] }),
  configured('BFDProfile', 'x', undefined),
  configured('BFDProfile', 'x', { detectMultiplier: 255, minimumTtl: 254, receiveInterval: 60_000 }),
  configured('Community', 'x', undefined),
  configured('Community', 'x', { communities: [{ name: 'a', value: '0:65535' }] }),
  configured('IPAddressPool', 'x', {
    addresses: [' 192.0.2.1 - 192.0.2.1 ', '192.0.2.9/30'],
    serviceAllocation: {},
  }),
];
