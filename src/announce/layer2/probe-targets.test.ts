// Which addresses a node probes: the next ones of each pool on its links, shared among the nodes that live.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseCidr } from '../../model/address.ts';
import type { Stranger } from '../../model/address-probe.ts';
import type { Pool } from '../../model/pool.ts';
import { sampleAddress, sampleService } from '../../model/sample.ts';
import { emptyWorld } from '../../model/world.ts';
import { type ProbeScene, probePlan } from './probe-targets.ts';

const subnet = (text: string) => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`${text} is no subnet`);
  return cidr;
};
const pool = (first: string, last: string, probe: Pool['probe'] = 'background'): Pool => ({
  name: 'lan',
  labels: {},
  ranges: [{ first: sampleAddress(first), last: sampleAddress(last) }],
  autoAssign: true,
  avoidBuggyIPs: false,
  serviceAllocation: undefined,
  probe,
});
const stranger = (address: string): Stranger => ({
  address: sampleAddress(address),
  mac: '02:00:00:00:00:99',
  interface: 'eth0',
  since: 'long ago',
});

/** Nodes `a` and `b` on one link, seen from `a`. */
function scene(of: Pool, change: Partial<ProbeScene> = {}): ProbeScene {
  const world = emptyWorld();
  world.pools.set(of.name, of);
  for (const [name, address] of [
    ['a', '198.18.0.1'],
    ['b', '198.18.0.2'],
  ] as const)
    world.nodes.set(name, {
      name,
      labels: {},
      addresses: [sampleAddress(address)],
      podCidrs: [],
      networkUnavailable: false,
      isMember: true,
    });
  return {
    world,
    node: 'a',
    interfaces: [{ name: 'eth0', up: true, subnets: [subnet('198.18.0.0/16')] }],
    isAllocated: () => false,
    deadNodes: new Set(),
    strangers: [],
    ...change,
  };
}
const probed = (of: ProbeScene): string[] =>
  probePlan(of).targets.map(({ address }) => formatAddress(address));

test('of two nodes each takes its share of the next 64, and the one that lives takes all', () => {
  const big = pool('198.18.1.0', '198.18.255.255');
  const [a, b] = [probed(scene(big)), probed(scene(big, { node: 'b' }))];
  assert.ok(a.length > 0 && b.length > 0);
  assert.equal(new Set([...a, ...b]).size, 64);
  assert.equal(a.length + b.length, 64, 'none by both');
  assert.equal(probed(scene(big, { deadNodes: new Set(['b']) })).length, 64);
});

test('what is allocated, off the link or not to be probed is not', () => {
  const small = pool('198.18.1.0', '198.18.1.3');
  const alone = { deadNodes: new Set(['b']) };
  const isAllocated: ProbeScene['isAllocated'] = (address) => formatAddress(address) === '198.18.1.1';
  assert.deepEqual(probed(scene(small, { ...alone, isAllocated })), [
    '198.18.1.0',
    '198.18.1.2',
    '198.18.1.3',
  ]);
  assert.deepEqual(probePlan(scene(pool('203.0.113.1', '203.0.113.9'), alone)), { targets: [], pools: [] });
  assert.deepEqual(probePlan(scene(pool('198.18.1.0', '198.18.1.3', 'off'), alone)), {
    targets: [],
    pools: [],
  });
  const down = [{ name: 'eth0', up: false, subnets: [subnet('198.18.0.0/16')] }];
  assert.deepEqual(probed(scene(small, { ...alone, interfaces: down })), []);
});

test('what a Service asks for and waits for is probed, however far ahead it is', () => {
  const asking = scene(pool('198.18.1.0', '198.18.255.255'), { deadNodes: new Set(['b']) });
  const request = { addresses: [sampleAddress('198.18.200.1')] };
  asking.world.services.set('shop/web', sampleService('shop/web', {}, request));
  assert.equal(probed(asking)[0], '198.18.200.1', 'and before the others');
});

test('a stranger whom a node found before is known with his MAC to whoever probes the address now', () => {
  const far = '198.18.200.1';
  const after = scene(pool('198.18.1.0', '198.18.255.255'), { deadNodes: new Set(['b']) });
  for (const node of ['a', 'b']) {
    after.world.addressProbes.clear();
    after.world.addressProbes.set(node, { node, pools: ['lan'], inUse: [stranger(far)], clear: [] });
    const [first, second] = probePlan(after).targets;
    assert.deepEqual(first?.found, stranger(far), `found by ${node}`);
    assert.equal(second?.found, undefined);
  }
});
