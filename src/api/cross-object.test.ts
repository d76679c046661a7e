// The rules between objects: one stands aside, it is named with its rival, and whoever was there first stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRange } from '../model/address.ts';
import type { ObjectOfKind } from '../model/world.ts';
import type { Candidate } from './admission.ts';
import {
  type ConfigurationCandidates,
  type ConfigurationKind,
  type CrossObjectPlan,
  noConfiguration,
  planConfiguration,
} from './cross-object.ts';
import { formatPath } from './field-problem.ts';
import { objectOf, parseObject } from './parse-object.ts';
import { rangesOverlap } from './pool-addresses.ts';

type Written = { readonly [K in ConfigurationKind]?: Readonly<Record<string, object>> };

interface Before {
  readonly plan?: CrossObjectPlan;
  readonly established?: readonly string[];
  readonly created?: Readonly<Record<string, string>>;
}

function candidatesOf<K extends ConfigurationKind>(
  kind: K,
  written: Readonly<Record<string, object>>,
  created: Readonly<Record<string, string>>,
) {
  const apiVersion = kind === 'BGPPeer' ? 'metallb.io/v1beta2' : 'metallb.io/v1beta1';
  const candidates = new Map<string, Candidate<ObjectOfKind[K]>>();
  for (const [name, spec] of Object.entries(written)) {
    const { change, problems } = parseObject({ apiVersion, kind, metadata: { name }, spec });
    const object = change === undefined ? undefined : objectOf(kind, change);
    assert.ok(object, JSON.stringify(problems));
    candidates.set(name, { object, creationTimestamp: created[name] });
  }
  return candidates;
}

function plan(written: Written, before: Before = {}): CrossObjectPlan {
  const created = before.created ?? {};
  const of = <K extends ConfigurationKind>(kind: K) => candidatesOf(kind, written[kind] ?? {}, created);
  const candidates: ConfigurationCandidates = {
    IPAddressPool: of('IPAddressPool'),
    L2Advertisement: of('L2Advertisement'),
    Community: of('Community'),
    BFDProfile: of('BFDProfile'),
    BGPPeer: of('BGPPeer'),
    BGPAdvertisement: of('BGPAdvertisement'),
  };
  const inForce = before.plan?.inForce ?? noConfiguration;
  const establishedPools = new Set(before.established ?? []);
  return planConfiguration({ candidates, inForce, establishedPools, nodes: new Map() });
}

const namesOf = ({ inForce }: CrossObjectPlan, kind: ConfigurationKind) => [...inForce[kind].keys()].sort();

const problemsOf = ({ problems }: CrossObjectPlan) =>
  problems.map(({ kind, key, problem }) => `${kind} ${key}: ${formatPath(problem.path)}: ${problem.rule}`);

const pool = (...addresses: string[]) => ({ addresses });

test('pools without a common address come into force together', () => {
  const result = plan({
    IPAddressPool: { a: pool('192.0.2.0/25'), b: pool('192.0.2.128/25', '2001:db8::/64') },
  });
  assert.deepEqual(namesOf(result, 'IPAddressPool'), ['a', 'b']);
  assert.deepEqual(result.problems, []);
});

test('of two pools that overlap the later by name stands aside, and both are named', () => {
  const result = plan({
    IPAddressPool: { b: pool('192.0.2.0/24'), a: pool('198.51.100.0/24', '192.0.2.9/32') },
  });
  assert.deepEqual(namesOf(result, 'IPAddressPool'), ['a']);
  assert.match(
    problemsOf(result)[0] ?? '',
    /^IPAddressPool b: spec\.addresses\[0\]: This overlaps 192\.0\.2\.9-192\.0\.2\.9 of the IPAddressPool a,.* b is set aside/,
  );
});

test('the older of two pools comes first, whatever their names', () => {
  const created = { a: '2026-01-02T00:00:00Z', b: '2026-01-01T23:00:00-02:00', c: '2026-01-01T00:00:00Z' };
  const all = pool('192.0.2.0/24');
  assert.deepEqual(namesOf(plan({ IPAddressPool: { a: all, c: all } }, { created }), 'IPAddressPool'), ['c']);
  assert.deepEqual(namesOf(plan({ IPAddressPool: { a: all, b: all } }, { created }), 'IPAddressPool'), ['a']);
});

test('a new pool never displaces one in force, nor one that was in force before a restart', () => {
  const first = plan({ IPAddressPool: { z: pool('192.0.2.0/24') } });
  const both = { IPAddressPool: { a: pool('192.0.2.0/24'), z: pool('192.0.2.0/24') } };
  assert.deepEqual(namesOf(plan(both, { plan: first }), 'IPAddressPool'), ['z']);
  assert.deepEqual(namesOf(plan(both, { established: ['z'] }), 'IPAddressPool'), ['z']);
  assert.deepEqual(namesOf(plan(both), 'IPAddressPool'), ['a']);
});

test('a pool edited into the addresses of another keeps its last accepted version', () => {
  const first = plan({ IPAddressPool: { a: pool('192.0.2.0/25'), b: pool('192.0.2.128/25') } });
  const second = plan(
    { IPAddressPool: { a: pool('192.0.2.0/24'), b: pool('192.0.2.128/25') } },
    { plan: first },
  );
  assert.deepEqual(second.inForce.IPAddressPool.get('a')?.ranges.map(formatRange), ['192.0.2.0-192.0.2.127']);
  assert.equal(second.problems.length, 1);
});

test('two pools may exchange their addresses in one change', () => {
  const first = plan({ IPAddressPool: { a: pool('192.0.2.0/25'), b: pool('192.0.2.128/25') } });
  const second = plan(
    { IPAddressPool: { a: pool('192.0.2.128/25'), b: pool('192.0.2.0/25') } },
    { plan: first },
  );
  assert.deepEqual(second.problems, []);
  assert.deepEqual(second.inForce.IPAddressPool.get('a')?.ranges.map(formatRange), [
    '192.0.2.128-192.0.2.255',
  ]);
});

test('pools in force never overlap, and one set aside overlaps one in force', () => {
  const block = fc.tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 0, max: 4 }));
  const pools = fc.dictionary(fc.constantFrom(...'abcdefgh'), block, { minKeys: 1 });
  const written = pools.map((blocks) => ({
    IPAddressPool: Object.fromEntries(
      Object.entries(blocks).map(([name, [start, size]]) => [
        name,
        pool(`192.0.2.${start}-192.0.2.${start + size}`),
      ]),
    ),
  }));
  fc.assert(
    fc.property(written, written, (before, after) => {
      for (const result of [plan(before), plan(after, { plan: plan(before) })]) {
        const inForce = [...result.inForce.IPAddressPool.values()];
        const ranges = inForce.flatMap(({ ranges }) => ranges);
        for (const [index, a] of ranges.entries()) {
          for (const b of ranges.slice(index + 1)) assert.ok(!rangesOverlap(a, b));
        }
      }
      const names = new Set(Object.keys(after.IPAddressPool));
      const result = plan(after, { plan: plan(before) });
      for (const name of result.inForce.IPAddressPool.keys()) assert.ok(names.has(name));
      const refused = new Set(result.problems.map(({ key }) => key));
      for (const name of names) assert.ok(refused.has(name) || result.inForce.IPAddressPool.has(name));
    }),
  );
});

test('an advertisement of a pool that is not there is in force, with a warning', () => {
  const result = plan({
    IPAddressPool: { a: pool('192.0.2.0/24') },
    L2Advertisement: { lan: { ipAddressPools: ['a', 'b'] } },
  });
  assert.deepEqual(namesOf(result, 'L2Advertisement'), ['lan']);
  assert.equal(result.problems[0]?.problem.severity, 'warning');
  assert.match(problemsOf(result)[0] ?? '', /spec\.ipAddressPools\[1\]: There is no IPAddressPool b/);
});

test('a community name belongs to one object', () => {
  const entry = (name: string) => ({ communities: [{ name, value: '64512:1' }] });
  const result = plan({ Community: { b: entry('vpn'), a: entry('vpn'), c: entry('other') } });
  assert.deepEqual(namesOf(result, 'Community'), ['a', 'c']);
  assert.match(problemsOf(result)[0] ?? '', /Community b: spec\.communities\[0\]\.name: The Community a/);
});

const session = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' };

test('a peer needs its BFD profile, and stands aside when the profile goes', () => {
  const peer = { BGPPeer: { p: { ...session, bfdProfile: 'fast' } } };
  assert.match(problemsOf(plan(peer))[0] ?? '', /BGPPeer p: spec\.bfdProfile: There is no BFDProfile fast/);
  const both = plan({ ...peer, BFDProfile: { fast: {} } });
  assert.deepEqual(namesOf(both, 'BGPPeer'), ['p']);
  assert.deepEqual(namesOf(plan(peer, { plan: both }), 'BGPPeer'), []);
});

test('graceful restart of a peer in force cannot be changed', () => {
  const first = plan({ BGPPeer: { p: session } });
  const second = plan({ BGPPeer: { p: { ...session, enableGracefulRestart: true } } }, { plan: first });
  assert.equal(second.inForce.BGPPeer.get('p')?.enableGracefulRestart, false);
  assert.match(problemsOf(second)[0] ?? '', /spec\.enableGracefulRestart/);
});

test('an aggregate larger than a block of its pools is refused', () => {
  const advertise = (aggregationLength: number, ...addresses: string[]) =>
    problemsOf(
      plan({ IPAddressPool: { a: pool(...addresses) }, BGPAdvertisement: { x: { aggregationLength } } }),
    );
  assert.deepEqual(advertise(24, '192.0.2.0/24'), []);
  assert.match(
    advertise(23, '192.0.2.0/24')[0] ?? '',
    /spec\.aggregationLength.*pool a has a block of length 24/,
  );
  assert.deepEqual(advertise(26, '192.0.2.32-192.0.2.130'), []);
  assert.match(advertise(25, '192.0.2.32-192.0.2.130')[0] ?? '', /length 26/);
});

test('a community of an advertisement must be a value or the name of one', () => {
  const advertisement = { BGPAdvertisement: { x: { communities: ['vpn', '64512:1'] } } };
  assert.match(
    problemsOf(plan(advertisement))[0] ?? '',
    /spec\.communities\[0\]: No Community has an entry named vpn/,
  );
  const known = { Community: { c: { communities: [{ name: 'vpn', value: '64512:2' }] } } };
  assert.deepEqual(problemsOf(plan({ ...advertisement, ...known })), []);
});

test('two advertisements of the same routes to the same peers agree on the local preference', () => {
  const advertise = (a: object, b: object) =>
    problemsOf(plan({ IPAddressPool: { p: pool('192.0.2.0/24') }, BGPAdvertisement: { a, b } })).length;
  assert.equal(advertise({ localPref: 100 }, { localPref: 200 }), 1);
  assert.equal(advertise({ localPref: 100 }, { localPref: 100 }), 0);
  assert.equal(advertise({ localPref: 100, peers: ['x'] }, { localPref: 200, peers: ['y'] }), 0);
  assert.equal(advertise({ localPref: 100, peers: ['x'] }, { localPref: 200 }), 1);
  assert.equal(advertise({ localPref: 100, aggregationLength: 24 }, { localPref: 200 }), 0);
  const node = (name: string) => [{ matchLabels: { node: name } }];
  assert.equal(
    advertise({ localPref: 100, nodeSelectors: node('x') }, { localPref: 200, nodeSelectors: node('y') }),
    0,
  );
});
