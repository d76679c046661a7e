// Who may announce an address: every field of an L2Advertisement, endpoints, labels and conditions, as tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidrRange, parseAddress, parseCidr } from '../model/address.ts';
import type { L2Advertisement } from '../model/advertisement.ts';
import type { Endpoint, EndpointSlice } from '../model/endpoint-slice.ts';
import { excludeFromLoadBalancersLabel, type Node } from '../model/node.ts';
import { sampleService } from '../model/sample.ts';
import type { Labels } from '../model/selector.ts';
import type { Service } from '../model/service.ts';
import { applyBatch, type Change, emptyWorld, type World } from '../model/world.ts';
import { planAddress } from './plan.ts';
import { announceSentence } from './reason.ts';

const address = (() => {
  const parsed = parseAddress('192.0.2.200');
  assert.ok(parsed);
  return parsed;
})();
const range = (() => {
  const cidr = parseCidr('192.0.2.192/26');
  assert.ok(cidr);
  return cidrRange(cidr);
})();
const selector = (matchLabels: Labels) => ({ matchLabels, matchExpressions: [] });

const service = (name: string, overrides: Partial<Service> = {}): Service =>
  sampleService(`shop/${name}`, {
    labels: { app: name },
    ipFamilies: ['IPv4'],
    allocated: { addresses: [address], pool: 'lan' },
    ...overrides,
  });

const endpoint = (nodeName: string, overrides: Partial<Endpoint> = {}): Endpoint => ({
  address: { family: 'IPv4', value: 0xc6120100n },
  ready: true,
  serving: true,
  terminating: false,
  nodeName,
  zone: undefined,
  ...overrides,
});

const slice = (name: string, endpoints: readonly Endpoint[]): EndpointSlice => ({
  key: `shop/${name}-1`,
  service: `shop/${name}`,
  family: 'IPv4',
  ports: [],
  endpoints,
  healthCheck: undefined,
});

const node = (name: string, overrides: Partial<Node> = {}): Node => ({
  name,
  labels: { name },
  addresses: [],
  podCidrs: [],
  networkUnavailable: false,
  isMember: true,
  ...overrides,
});

const advertisement = (overrides: Partial<L2Advertisement> = {}): L2Advertisement => ({
  name: 'lan',
  labels: {},
  pools: [],
  poolSelectors: [],
  nodeSelectors: [],
  interfaces: [],
  serviceSelectors: [],
  preferredNodeSelectors: [],
  spread: false,
  ...overrides,
});

interface Scene {
  readonly services?: readonly Service[];
  readonly slices?: readonly EndpointSlice[];
  readonly nodes?: readonly Node[];
  readonly advertisements?: readonly L2Advertisement[];
}

function worldOf({
  services = [service('web')],
  slices = [slice('web', [endpoint('a'), endpoint('b')])],
  nodes = [node('a'), node('b'), node('c')],
  advertisements = [advertisement()],
}: Scene): World {
  const world = emptyWorld();
  const pool = {
    name: 'lan',
    labels: { tier: 'front' },
    ranges: [range],
    autoAssign: true,
    avoidBuggyIPs: false,
    serviceAllocation: undefined,
    probe: 'background' as const,
  };
  const changes: Change[] = [
    { kind: 'IPAddressPool', key: 'lan', object: pool },
    ...services.map((object): Change => ({ kind: 'Service', key: object.key, object })),
    ...slices.map((object): Change => ({ kind: 'EndpointSlice', key: object.key, object })),
    ...nodes.map((object): Change => ({ kind: 'Node', key: object.name, object })),
    ...advertisements.map((object): Change => ({ kind: 'L2Advertisement', key: object.name, object })),
  ];
  applyBatch(world, { changes, complete: true });
  return world;
}

const plan = (scene: Scene) => {
  const world = worldOf(scene);
  return planAddress(world, address, [...world.services.keys()], () => true);
};
const candidateNames = (scene: Scene): string[] =>
  plan(scene)
    .candidates.map((candidate) => candidate.node)
    .sort();
const excludedKinds = (scene: Scene) =>
  Object.fromEntries(plan(scene).excluded.map((reason) => [reason.node, reason.kind]));

test('with traffic policy Cluster every node is a candidate while there is a ready endpoint anywhere', () => {
  assert.deepEqual(candidateNames({}), ['a', 'b', 'c']);
  const none = plan({ slices: [slice('web', [endpoint('a', { ready: false, serving: false })])] });
  assert.deepEqual(none.candidates, []);
  assert.deepEqual(none.reasons, [{ kind: 'no-ready-endpoint', service: 'shop/web', family: 'IPv4' }]);
});

test('with traffic policy Local only nodes with a ready endpoint are candidates', () => {
  const services = [service('web', { externalTrafficPolicy: 'Local' })];
  assert.deepEqual(candidateNames({ services }), ['a', 'b']);
  assert.deepEqual(excludedKinds({ services }), { c: 'no-local-endpoint' });
});

test('endpoints that serve while they terminate count when none is ready', () => {
  const services = [service('web', { externalTrafficPolicy: 'Local' })];
  const leaving = endpoint('b', { ready: false, terminating: true });
  assert.deepEqual(candidateNames({ services, slices: [slice('web', [endpoint('a'), leaving])] }), ['a']);
  assert.deepEqual(candidateNames({ services, slices: [slice('web', [leaving])] }), ['b']);
});

test('an endpoint that our own check calls unhealthy does not count', () => {
  const world = worldOf({});
  const { reasons } = planAddress(world, address, [...world.services.keys()], () => false);
  assert.deepEqual(reasons, [{ kind: 'no-ready-endpoint', service: 'shop/web', family: 'IPv4' }]);
});

test('only endpoints of the address’s own family count: nothing translates between families', () => {
  const ipv6Only: EndpointSlice = { ...slice('web', [endpoint('a')]), family: 'IPv6' };
  assert.deepEqual(plan({ slices: [ipv6Only] }).reasons, [
    { kind: 'no-ready-endpoint', service: 'shop/web', family: 'IPv4' },
  ]);
  const services = [service('web', { externalTrafficPolicy: 'Local' })];
  const onB = { ...slice('web', [endpoint('b')]), key: 'shop/web-2' };
  assert.deepEqual(candidateNames({ services, slices: [ipv6Only, onB] }), ['b']);
});

test('the exclude label and NetworkUnavailable rule a node out, and say so', () => {
  const nodes = [
    node('a', { labels: { [excludeFromLoadBalancersLabel]: '' } }),
    node('b', { networkUnavailable: true }),
    node('c'),
  ];
  assert.deepEqual(candidateNames({ nodes }), ['c']);
  assert.deepEqual(excludedKinds({ nodes }), { a: 'node-excluded', b: 'node-network-unavailable' });
});

test('node selectors are a choice between selectors', () => {
  const advertisements = [
    advertisement({ nodeSelectors: [selector({ name: 'a' }), selector({ name: 'c' })] }),
  ];
  assert.deepEqual(candidateNames({ advertisements }), ['a', 'c']);
  assert.deepEqual(excludedKinds({ advertisements }), { b: 'node-selector-mismatch' });
});

test('an advertisement covers a pool by name, by selector, or by naming none', () => {
  const covered = (overrides: Partial<L2Advertisement>): boolean =>
    candidateNames({ advertisements: [advertisement(overrides)] }).length > 0;
  assert.equal(covered({}), true);
  assert.equal(covered({ pools: ['lan'] }), true);
  assert.equal(covered({ pools: ['other'] }), false);
  assert.equal(covered({ poolSelectors: [selector({ tier: 'front' })] }), true);
  assert.equal(covered({ poolSelectors: [selector({ tier: 'back' })] }), false);
  assert.equal(covered({ pools: ['other'], poolSelectors: [selector({ tier: 'front' })] }), true);
  assert.equal(covered({ serviceSelectors: [selector({ app: 'web' })] }), true);
  assert.equal(covered({ serviceSelectors: [selector({ app: 'db' })] }), false);
  const reasons = plan({ advertisements: [] }).reasons;
  assert.deepEqual(reasons, [
    { kind: 'no-advertisement', service: 'shop/web', address: '192.0.2.200', pool: 'lan' },
  ]);
});

test('interfaces are a union for each node, and one advertisement without any opens all', () => {
  const advertisements = [
    advertisement({ name: 'one', interfaces: ['eth1'], nodeSelectors: [selector({ name: 'a' })] }),
    advertisement({ name: 'two', interfaces: ['eth0'] }),
    advertisement({ name: 'three', nodeSelectors: [selector({ name: 'c' })] }),
  ];
  const interfaces = Object.fromEntries(
    plan({ advertisements }).candidates.map((candidate) => [candidate.node, candidate.interfaces]),
  );
  assert.deepEqual(interfaces, { a: ['eth0', 'eth1'], b: ['eth0'], c: [] });
});

test('a preferred node comes first, by the sum of the weights that match it', () => {
  const preferredNodeSelectors = [
    { weight: 60, preference: selector({ name: 'b' }) },
    { weight: 50, preference: selector({ zone: 'x' }) },
    { weight: 30, preference: selector({ name: 'a' }) },
  ];
  const nodes = [node('a', { labels: { name: 'a', zone: 'x' } }), node('b'), node('c')];
  const order = plan({ nodes, advertisements: [advertisement({ preferredNodeSelectors })] }).candidates;
  assert.deepEqual(
    order.map((candidate) => candidate.node),
    ['a', 'b', 'c'],
  );
});

test('of Services that share the address, the node that serves the most is preferred', () => {
  const services = ['web', 'api'].map((name) => service(name, { externalTrafficPolicy: 'Local' }));
  const slices = [slice('web', [endpoint('a'), endpoint('b')]), slice('api', [endpoint('b'), endpoint('c')])];
  const { candidates } = plan({ services, slices });
  assert.equal(candidates[0]?.node, 'b');
  assert.deepEqual(candidateNames({ services, slices }), ['a', 'b', 'c']);
});

test('the loss of one node moves only its addresses', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 2, maxLength: 8 }),
      (names) => {
        const before = candidateOrder(names);
        const lost = before[0];
        assert.deepEqual(candidateOrder(names.filter((name) => name !== lost)), before.slice(1));
        assert.deepEqual(candidateOrder([...names].reverse()), before);
      },
    ),
  );
});

const candidateOrder = (names: readonly string[]): string[] =>
  plan({ nodes: names.map((name) => node(name)), slices: [slice('web', [endpoint('x')])] }).candidates.map(
    (candidate) => candidate.node,
  );

test('both addresses of a dual-stack Service prefer the same nodes', () => {
  for (let last = 0n; last < 20n; last++) {
    const ipv4 = { family: 'IPv4', value: (address.value & ~0xffn) | (192n + last) } as const;
    const ipv6 = { family: 'IPv6', value: (0x2001_0db8n << 96n) | last } as const;
    const ready = slice('web', [endpoint('a')]);
    const world = worldOf({
      services: [service('web', { allocated: { addresses: [ipv6, ipv4], pool: 'lan' } })],
      slices: [ready, { ...ready, key: 'shop/web-2', family: 'IPv6' }],
    });
    const cidr = parseCidr('2001:db8::/64');
    assert.ok(cidr);
    const pool = world.pools.get('lan');
    assert.ok(pool);
    world.pools.set('lan', { ...pool, ranges: [range, cidrRange(cidr)] });
    const order = (one: typeof ipv4 | typeof ipv6) =>
      planAddress(world, one, ['shop/web'], () => true).candidates.map(({ node }) => node);
    assert.equal(order(ipv4).length, 3);
    assert.deepEqual(order(ipv4), order(ipv6));
  }
});

test('addresses spread over the nodes', () => {
  const world = worldOf({});
  const owners = new Map<string, number>();
  for (let last = 192n; last < 256n; last++) {
    const one = { family: 'IPv4', value: (address.value & ~0xffn) | last } as const;
    const web = world.services.get('shop/web');
    assert.ok(web);
    world.services.set('shop/web', { ...web, allocated: { addresses: [one], pool: 'lan' } });
    const owner = planAddress(world, one, ['shop/web'], () => true).candidates[0]?.node ?? '';
    owners.set(owner, (owners.get(owner) ?? 0) + 1);
  }
  assert.equal(owners.size, 3);
  for (const count of owners.values()) assert.ok(count >= 10, `${[...owners]}`);
});

test('an address is spread where an advertisement says so, over the nodes that its service policy leaves', () => {
  const spread = [advertisement(), advertisement({ name: 'spread', spread: true })];
  assert.equal(plan({}).shares, undefined);
  const firsts = (scene: Scene): string[] =>
    (plan({ ...scene, advertisements: spread }).shares ?? []).map(([first]) => first?.node ?? '');
  assert.equal(firsts({}).length, 16);
  assert.deepEqual([...new Set(firsts({}))].sort(), ['a', 'b', 'c']);
  const services = [service('web', { externalTrafficPolicy: 'Local' })];
  assert.deepEqual([...new Set(firsts({ services }))].sort(), ['a', 'b']);
  assert.deepEqual(firsts({ slices: [slice('web', [])] }), []);
});

test('every reason is a sentence that names its subject', () => {
  for (const reason of [
    ...plan({ advertisements: [] }).reasons,
    ...plan({ nodes: [node('a', { networkUnavailable: true })] }).excluded,
  ]) {
    assert.match(announceSentence(reason), /^(No|a) .*(shop\/web|NetworkUnavailable).*\.$/);
  }
});
