// The kernel's nf_tables: it keeps the port's contract, nft reads our encoding as what we mean, and after any changes
// the kernel holds what a table made at once holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../lab/host.ts';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import type { DataPlane } from '../../src/dataplane/data-plane.ts';
import { createNftablesDataPlane } from '../../src/dataplane/nftables/apply.ts';
import { fakeNftables } from '../../src/dataplane/nftables/fake.ts';
import { noFlows } from '../../src/dataplane/nftables/fake-conntrack.ts';
import { openNftables } from '../../src/dataplane/nftables/kernel.ts';
import type { NftablesPort } from '../../src/dataplane/nftables/port.ts';
import { testNftablesPort } from '../../src/dataplane/nftables/port-contract.ts';
import { setDefinitions } from '../../src/dataplane/nftables/sets.ts';
import { type Backend, compareBackends, type Frontend } from '../../src/dataplane/table.ts';
import type { ServiceKey } from '../../src/model/service.ts';
import { address, cidr } from './forwarding-scene.ts';

const backend = (text: string, port: number, local = false): Backend => ({
  address: address(text),
  port,
  local,
});
const pod1 = backend('198.18.0.1', 8080, true);
const pod2 = backend('198.18.1.2', 8081);
const pod6 = backend('2001:db8:42::6', 8080, true);

const frontend = (text: string, port: number, rest: Partial<Frontend>): Frontend => ({
  address: address(text),
  protocol: 'TCP',
  port,
  service: 'default/web',
  portName: 'http',
  policy: 'Cluster',
  outside: [],
  inside: [],
  draining: [],
  sourceRanges: undefined,
  affinity: undefined,
  ...rest,
});

const open = (port: NftablesPort): DataPlane =>
  createNftablesDataPlane({ port, conntrack: noFlows, graceMilliseconds: 0 });

testInsideLab(import.meta.filename, () => {
  testNftablesPort('kernel', async (body) => {
    await using lab = await createLab();
    using port = lab.host('node').inside(openNftables);
    body(port);
  });

  test('nft lists what we encode as what we mean', async () => {
    await using lab = await createLab();
    const host = lab.host('node');
    await using dataPlane = open(host.inside(openNftables));
    await dataPlane.setPodCidrs([cidr('198.18.0.0/24'), cidr('2001:db8:42::/64')]);
    const both = [pod1, pod2];
    await dataPlane.sync(
      new Map([
        [
          'default/web',
          [
            frontend('192.0.2.10', 80, { outside: both, inside: both }),
            frontend('192.0.2.11', 53, {
              protocol: 'UDP',
              policy: 'Local',
              outside: [pod1],
              inside: both,
              sourceRanges: [cidr('203.0.113.0/24'), cidr('203.0.113.0/25'), cidr('198.51.100.7/32')],
            }),
            frontend('192.0.2.12', 5060, { protocol: 'SCTP' }),
            frontend('2001:db8::10', 80, {
              outside: [pod6],
              inside: [pod6],
              affinity: { scope: 'default/web:http', timeoutSeconds: 10_800 },
            }),
          ],
        ],
      ]),
      'everything',
    );
    const scope = (/affinity6-(\w+)/.exec(nft(host, 'list', 'sets')) ??
      /affinity6-(\w+)/.exec(nft(host, 'list', 'maps')))?.[1];
    assert.ok(scope);

    const elements: Readonly<Record<string, readonly string[]>> = {
      outside4: [
        '192.0.2.10 . tcp . 80 comment "default/web" : goto outside4-pick-2',
        '192.0.2.11 . udp . 53 comment "default/web" : goto outside4-pick-1',
        '192.0.2.12 . sctp . 5060 comment "default/web" : goto refuse',
      ],
      'outside4-endpoints': [
        '192.0.2.10 . tcp . 80 . 0x00000000 : 198.18.0.1 . 8080',
        '192.0.2.10 . tcp . 80 . 0x00000001 : 198.18.1.2 . 8081',
        '192.0.2.11 . udp . 53 . 0x00000000 : 198.18.0.1 . 8080',
      ],
      inside4: ['192.0.2.11 . udp . 53 : goto inside4-pick-2'],
      'inside4-endpoints': [
        '192.0.2.11 . udp . 53 . 0x00000000 : 198.18.0.1 . 8080',
        '192.0.2.11 . udp . 53 . 0x00000001 : 198.18.1.2 . 8081',
      ],
      masquerade4: ['192.0.2.10 . tcp . 80'],
      local4: ['192.0.2.11 . udp . 53'],
      hairpin4: ['198.18.0.1 . 198.18.0.1'],
      filtered4: ['192.0.2.11 . udp . 53'],
      ranges4: ['192.0.2.11 . udp . 53 . 198.51.100.7', '192.0.2.11 . udp . 53 . 203.0.113.0/24'],
      addresses4: ['192.0.2.10', '192.0.2.11', '192.0.2.12'],
      outside6: ['2001:db8::10 . tcp . 80 comment "default/web" : goto outside6-pick-1'],
      'outside6-endpoints': ['2001:db8::10 . tcp . 80 . 0x00000000 : 2001:db8:42::6 . 8080'],
      sticky6: [`2001:db8::10 . tcp . 80 : jump sticky6-${scope}`],
      remember6: [`2001:db8::10 . tcp . 80 : goto remember6-${scope}-10800`],
      members6: ['2001:db8::10 . tcp . 80 . 2001:db8:42::6 . 8080'],
      addresses6: ['2001:db8::10'],
    };
    const listing = nft(host, 'list', 'table', 'inet', 'gantry');
    for (const [set, expected] of Object.entries(elements)) {
      const block =
        new RegExp(`(?:set|map) ${set} \\{[^}]*elements = \\{([^}]*)\\}`).exec(listing)?.[1] ?? '';
      const found = block.split(',').map((line) => line.trim().replaceAll(/\s+/g, ' '));
      assert.deepEqual(found.sort(), [...expected].sort(), set);
    }

    const fe4 = 'ip daddr . meta l4proto . th dport';
    const original4 = 'ct original ip daddr . meta l4proto . ct original proto-dst';
    const rules: Readonly<Record<string, readonly string[]>> = {
      'nat-prerouting': [
        'type nat hook prerouting priority dstnat - 10; policy accept;',
        'meta nfproto ipv4 goto arrive4',
        'meta nfproto ipv6 goto arrive6',
      ],
      arrive4: [
        'icmp type echo-request ip daddr @addresses4 redirect',
        `${fe4} @filtered4 ${fe4} . ip saddr != @ranges4 drop`,
        `${fe4} vmap @sticky4`,
        'jump pods4',
        'goto outside4',
      ],
      pods4: ['ip saddr 198.18.0.0/24 goto inside4'],
      pods6: ['ip6 saddr 2001:db8:42::/64 goto inside6'],
      outside4: [`${fe4} vmap @outside4`],
      inside4: [`${fe4} vmap @inside4`, 'goto outside4'],
      'outside4-pick-2': [`dnat ip to ${fe4} . numgen random mod 2 map @outside4-endpoints`],
      'outside4-pick-4': [4, 4, 4, 4, 4, 2].map(
        (bound) => `dnat ip to ${fe4} . numgen random mod ${bound} map @outside4-endpoints`,
      ),
      masquerade4: [
        `${original4} @masquerade4 masquerade fully-random`,
        `${original4} @local4 fib saddr type local masquerade fully-random`,
        `${original4} @local4 ip saddr . ip daddr @hairpin4 masquerade fully-random`,
      ],
      'nat-postrouting': [
        'type nat hook postrouting priority srcnat - 10; policy accept;',
        'meta nfproto ipv4 ct status dnat goto masquerade4',
        'meta nfproto ipv6 ct status dnat goto masquerade6',
      ],
      'filter-prerouting': [
        'type filter hook prerouting priority dstnat + 10; policy accept;',
        'ip daddr @addresses4 goto guard-arrive4',
        'ip6 daddr @addresses6 goto guard-arrive6',
        `meta nfproto ipv4 ct state new ${original4} vmap @remember4`,
        `meta nfproto ipv6 ct state new ${original4.replace('ip ', 'ip6 ')} vmap @remember6`,
      ],
      'guard-arrive6': [
        'fib daddr type local return',
        'ct state untracked return',
        'icmpv6 type nd-neighbor-solicit drop',
        'icmpv6 type nd-neighbor-advert drop',
        'goto refuse',
      ],
      refuse: ['ct state invalid drop', 'meta l4proto tcp reject with tcp reset', 'reject'],
      [`sticky6-${scope}`]: [`dnat ip6 to ip6 saddr map @affinity6-${scope}`],
      [`remember6-${scope}-10800`]: [
        `${original4.replace('ip ', 'ip6 ')} . ip6 daddr . th dport != @members6 delete @affinity6-${scope} { ip6 saddr : ip6 daddr . th dport } drop`,
        `update @affinity6-${scope} { ip6 saddr timeout 3h : ip6 daddr . th dport }`,
      ],
    };
    for (const [chain, expected] of Object.entries(rules)) {
      const block = listing.split(`\tchain ${chain} {\n`)[1]?.split('\n\t}\n', 1)[0] ?? '';
      assert.deepEqual(
        block.split('\n').map((line) => line.trim()),
        expected,
        chain,
      );
    }
  });

  test('after any changes and restarts the kernel holds what a table made at once holds', async () => {
    await using lab = await createLab();
    const host = lab.host('node');
    let dataPlane = open(host.inside(openNftables));
    const random = seededRandom(20_261_123);
    const wanted = new Map<ServiceKey, readonly Frontend[]>();
    await dataPlane.sync(wanted, 'everything');
    for (let round = 0; round < 300; round++) {
      const changes = new Map(
        Array.from({ length: 1 + random(5) }, () => {
          const index = random(40);
          return [`default/s${index}`, randomFrontends(index, random)] as const;
        }),
      );
      for (const [service, frontends] of changes) wanted.set(service, frontends);
      const { failed } = await dataPlane.sync(changes, 'changes');
      assert.deepEqual([...failed], []);
      if (round % 50 !== 49) continue;
      await dataPlane[Symbol.asyncDispose]();
      dataPlane = open(host.inside(openNftables));
      await dataPlane.adopt();
      await dataPlane.sync(wanted, 'everything');
    }
    assert.equal((await dataPlane.audit('full')).repaired, 0);
    await dataPlane[Symbol.asyncDispose]();

    const fake = fakeNftables();
    await using atOnce = open(fake);
    await atOnce.sync(wanted, 'everything');
    using kernel = host.inside(openNftables);
    for (const family of ['IPv4', 'IPv6'] as const) {
      for (const set of Object.values(setDefinitions(family))) {
        const held = (port: NftablesPort): string[] =>
          [...port.elements(set)]
            .flat()
            .map((element) => JSON.stringify(element))
            .sort();
        assert.deepEqual(held(kernel), held(fake), set.name);
      }
    }
  });
});

const nft = (host: Host, ...words: readonly string[]): string => host.exec(['nft', ...words]).stdout;

/** The same numbers for the same seed. */
function seededRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % bound;
  };
}

/** Up to 80 endpoints, so that all ways to draw appear; each Service has addresses of its own. */
function randomFrontends(index: number, random: (bound: number) => number): readonly Frontend[] {
  if (random(8) === 0) return [];
  const policy = random(2) === 0 ? 'Cluster' : 'Local';
  const service = `default/s${index}`;
  return (['192.0.2.', '2001:db8::'] as const).slice(0, 1 + random(2)).flatMap((prefix) => {
    const pods = prefix === '192.0.2.' ? '198.18.7.' : '2001:db8:42::';
    const numbers = new Set(Array.from({ length: random(80) }, () => 1 + random(99)));
    const inside = [...numbers]
      .map((number) => backend(`${pods}${number}`, 8000 + (number % 3), number < 20))
      .sort(compareBackends);
    const shared: Partial<Frontend> = {
      service,
      policy,
      inside,
      outside: policy === 'Local' ? inside.filter(({ local }) => local) : inside,
      sourceRanges:
        random(3) > 0 ? undefined : prefix === '192.0.2.' ? randomRanges(random) : [cidr('2001:db8:9::/48')],
      affinity:
        random(3) > 0
          ? undefined
          : { scope: `${service}:${policy}${prefix}`, timeoutSeconds: 10 + 10 * random(2) },
    };
    return [80, 443].slice(0, 1 + random(2)).map((port) => frontend(`${prefix}${index + 1}`, port, shared));
  });
}

const randomRanges = (random: (bound: number) => number) =>
  ['203.0.113.0/24', '203.0.113.0/25', '198.51.100.64/26', '198.18.0.0/15'].map(cidr).slice(random(4));
