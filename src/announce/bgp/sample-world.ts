// A World for the tests of what is announced by BGP: two nodes, a pool, a Service with an address, endpoints on both.
import type { BgpAdvertisement, BgpPeer } from '../../model/bgp.ts';
import type { Node } from '../../model/node.ts';
import { sampleAddress, sampleService } from '../../model/sample.ts';
import { basicAuthType, type Secret } from '../../model/secret.ts';
import type { Service } from '../../model/service.ts';
import { applyBatch, type Change, emptyWorld, type World } from '../../model/world.ts';

export const bgpAdvertisement = (name: string, more: Partial<BgpAdvertisement> = {}): Change => ({
  kind: 'BGPAdvertisement',
  key: name,
  object: {
    name,
    labels: {},
    aggregationLength: 32,
    aggregationLengthV6: 128,
    localPref: undefined,
    communities: [],
    pools: [],
    poolSelectors: [],
    nodeSelectors: [],
    peers: [],
    serviceSelectors: [],
    ...more,
  },
});

export const bgpPeer = (name: string, more: Partial<BgpPeer> = {}): Change => ({
  kind: 'BGPPeer',
  key: name,
  object: {
    name,
    myAsn: 64500,
    peerAsn: 64501,
    localAsn: undefined,
    peer: { address: sampleAddress('192.0.2.254') },
    sourceAddress: undefined,
    peerPort: 179,
    holdTimeSeconds: 90,
    keepaliveTimeSeconds: 30,
    connectTimeSeconds: undefined,
    routerId: undefined,
    nodeSelectors: [],
    password: undefined,
    passwordSecret: undefined,
    bfdProfile: undefined,
    enableGracefulRestart: false,
    ebgpMultiHop: false,
    vrf: undefined,
    disableMp: false,
    dualStackAddressFamily: false,
    listenRange: undefined,
    isPassive: false,
    role: undefined,
    isRoleStrict: false,
    longLivedSeconds: 0,
    ...more,
  },
});

export const nodeChange = (name: string, more: Partial<Node> = {}): Change => ({
  kind: 'Node',
  key: name,
  object: {
    name,
    labels: { name },
    addresses: [sampleAddress(`192.0.2.${name === 'a' ? 11 : 12}`)],
    podCidrs: [],
    networkUnavailable: false,
    isMember: true,
    ...more,
  },
});

/** For basic authentication, in the namespace `default`, where peers without one are. */
export const secretChange = (name: string, more: Partial<Secret> = {}): Change => ({
  kind: 'Secret',
  key: `default/${name}`,
  object: { namespace: 'default', name, type: basicAuthType, password: 'secret', ...more },
});

/** `shop/web`, or another Service of that namespace. */
export const serviceChange = (
  name: string,
  addresses: readonly string[],
  more: Partial<Service> = {},
): Change => ({
  kind: 'Service',
  key: `shop/${name}`,
  object: sampleService(`shop/${name}`, {
    labels: { app: name },
    allocated: { addresses: addresses.map(sampleAddress), pool: 'lan' },
    ...more,
  }),
});

/** One ready IPv4 endpoint on each of these nodes. */
export const sliceChange = (name: string, nodes: readonly string[]): Change => ({
  kind: 'EndpointSlice',
  key: `shop/${name}-1`,
  object: {
    key: `shop/${name}-1`,
    service: `shop/${name}`,
    family: 'IPv4',
    ports: [],
    endpoints: nodes.map((nodeName, index) => ({
      address: sampleAddress(`203.0.113.${index + 1}`),
      ready: true,
      serving: true,
      terminating: false,
      nodeName,
      zone: undefined,
    })),
    healthCheck: undefined,
  },
});

const poolChange: Change = {
  kind: 'IPAddressPool',
  key: 'lan',
  object: {
    name: 'lan',
    labels: { tier: 'front' },
    ranges: [{ first: sampleAddress('198.51.100.0'), last: sampleAddress('198.51.100.255') }],
    autoAssign: true,
    avoidBuggyIPs: false,
    serviceAllocation: undefined,
    probe: 'background',
  },
};

/** Later changes of an object take the place of these. */
export function bgpWorld(...changes: readonly Change[]): World {
  const world = emptyWorld();
  const base = [
    poolChange,
    nodeChange('a'),
    nodeChange('b'),
    serviceChange('web', ['198.51.100.7']),
    sliceChange('web', ['a', 'b', 'b']),
  ];
  applyBatch(world, { changes: [...base, ...changes], complete: true });
  return world;
}
