// The agent's BGP side as a whole: objects in; what a model peer on loopback is told, statuses and reports out.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bgpAdvertisement, bgpPeer, secretChange } from '../../announce/bgp/sample-world.ts';
import { formatCidr } from '../../model/address.ts';
import type { BgpPeer } from '../../model/bgp.ts';
import { excludeFromLoadBalancersLabel } from '../../model/node.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { StatusObject } from '../../model/status.ts';
import type { Change } from '../../model/world.ts';
import { silentLog } from '../../observe/log.ts';
import { Registry } from '../../observe/prometheus.ts';
import type { ToPulse } from '../../pulse/link.ts';
import { sampleBfdState } from '../../pulse/sample-bfd.ts';
import { node, pool, service, slice } from '../test-world.ts';
import { createWorldFollower } from '../world-follower.ts';
import { createBgpSide } from './bgp-side.ts';
import { type ModelPeer, startModelPeer } from './model-peer.ts';
import type { Interfaces } from './next-hops.ts';

const interfacesWith = (...cidrs: readonly string[]): Interfaces => ({
  lo: cidrs.map((cidr) => ({ address: cidr.split('/')[0] ?? '', cidr })),
});

function start(t: TestContext, { isReady = true, reportedBefore = [] as string[] } = {}) {
  const statuses = new Map<string, StatusObject>();
  const events: string[] = [];
  const said: ToPulse[] = [];
  const discarded: string[] = [];
  const kernel = Promise.withResolvers<void>();
  if (isReady) kernel.resolve();
  const state = {
    isDrained: false,
    isForwarded: true,
    isMarked: false,
    interfaces: interfacesWith('127.0.0.1/8'),
    readdress: (_: Interfaces, ...__: readonly string[]): void => {},
  };
  const stop = new AbortController();
  const follower = createWorldFollower({ isOurs: () => true, loneNode: undefined });
  const side = createBgpSide({
    node: 'node-1',
    follower,
    isHealthy: () => true,
    isForwarded: () => state.isForwarded,
    kernelBegun: () => kernel.promise,
    isDrained: () => state.isDrained,
    sendToPulse: (message) => said.push(message),
    restartMarker: {
      isSet: false,
      set(isSet) {
        state.isMarked = isSet;
      },
    },
    discards: { want: (aggregates) => discarded.push(aggregates.map(formatCidr).join()) },
    openLinks(changed) {
      state.readdress = (interfaces, ...gone) => {
        state.interfaces = interfaces;
        changed(new Set(gone));
      };
      return {
        get interfaces() {
          return state.interfaces;
        },
        follow() {},
        [Symbol.dispose]() {},
      };
    },
    listenPort: undefined,
    reportedBefore: Promise.resolve(reportedBefore),
    statuses: {
      put: (object) => statuses.set(object.metadata.name, object),
      remove: (_kind, _namespace, name) => statuses.delete(name),
      idle: async () => {},
    },
    events: { record: ({ message }) => events.push(message) },
    log: silentLog,
    registry: new Registry(),
    changed() {},
    signal: stop.signal,
  });
  t.after(async () => {
    stop.abort();
    await side.close();
  });
  const batch = (...changes: readonly Change[]): void =>
    side.take(follower.take({ changes, complete: true }));
  return { side, statuses, events, said, discarded, kernel, state, batch };
}

const base = [pool(), node('node-1', ['127.0.0.1']), bgpAdvertisement('all')];
const tor = ({ port }: ModelPeer, more: Partial<BgpPeer> = {}): Change =>
  bgpPeer('tor', { peer: { address: sampleAddress('127.0.0.1') }, peerPort: port, ...more });
const web = (name: string, address: string, ...nodes: readonly string[]): Change[] => [
  service(name, [address]),
  slice(
    name,
    nodes.map((one) => ({ node: one })),
  ),
];

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const excluded = ((): Change => {
  const own = node('node-1', ['127.0.0.1']);
  const labels = { [excludeFromLoadBalancersLabel]: '' };
  return { ...own, object: own.object && { ...own.object, labels } };
})();
/** GRACEFUL_SHUTDOWN is 65535:0. */
const asksToBeLeft = ({ table }: ModelPeer): boolean =>
  [...table.values()]
    .flat()
    .some((one) => one.kind === 'communities' && one.communities.includes(0xffff_0000));
const tableOf = ({ table }: ModelPeer): string => [...table.keys()].sort().join();

test('a Service is announced, reported with its peers, and withdrawn with its last endpoint', async (t) => {
  await using peer = await startModelPeer();
  const { side, statuses, events, batch } = start(t, { reportedBefore: ['web/gone'] });
  statuses.set('bgp-node-1.web.gone', { apiVersion: '', kind: '', metadata: { name: '' } });
  batch(...base, tor(peer), ...web('a', '192.0.2.1', 'node-2'), ...web('b', '192.0.2.2'));
  await until('announced', () => tableOf(peer) === '192.0.2.1/32');
  await until('reported', () => statuses.has('bgp-node-1.web.a'));
  assert.deepEqual(statuses.get('bgp-node-1.web.a')?.['status'], {
    node: 'node-1',
    serviceName: 'a',
    serviceNamespace: 'web',
    peers: ['tor'],
  });
  assert.deepEqual(events, ['Node node-1 announces 192.0.2.1 with protocol bgp to tor.']);
  await until('what an earlier agent left is taken back', () => statuses.size === 1);
  assert.deepEqual([...side.announced()], ['192.0.2.1']);
  batch(...web('a', '192.0.2.1'), ...web('b', '192.0.2.2', 'node-1'));
  await until('the other', () => tableOf(peer) === '192.0.2.2/32');
  await until('reported anew', () => [...statuses.keys()].join() === 'bgp-node-1.web.b');
  assert.deepEqual(peer.heard, ['open', 'end-of-rib IPv4']);
});

test('no session begins before the kernel is in line, so that the first table is whole', async (t) => {
  await using peer = await startModelPeer();
  const { batch, kernel, side } = start(t, { isReady: false });
  batch(...base, tor(peer), ...web('a', '192.0.2.1', 'node-1'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([peer.heard, side.report()?.peers[0]?.state], [[], 'idle']);
  kernel.resolve();
  await until('announced', () => tableOf(peer) === '192.0.2.1/32');
});

test('a drained node withdraws all and keeps its sessions', async (t) => {
  await using peer = await startModelPeer();
  const { batch, side, state } = start(t);
  batch(...base, tor(peer), ...web('a', '192.0.2.1', 'node-1'));
  await until('announced', () => peer.table.size === 1);
  state.isDrained = true;
  side.drainTold();
  await until('asked to be left', () => asksToBeLeft(peer));
  await until('withdrawn', () => peer.table.size === 0);
  state.isDrained = false;
  side.drainTold();
  await until('again', () => peer.table.size === 1 && !asksToBeLeft(peer));
  batch(excluded);
  await until('asked to be left for the label, too', () => asksToBeLeft(peer));
  await until('withdrawn', () => peer.table.size === 0);
  assert.equal(peer.heard.filter((one) => one === 'open').length, 1);
});

test('an advertisement for one peer is told to it alone, as soon as it comes', async (t) => {
  await using one = await startModelPeer();
  await using other = await startModelPeer();
  const { batch } = start(t);
  const spine = bgpPeer('spine', { peer: { address: sampleAddress('127.0.0.1') }, peerPort: other.port });
  batch(...base, tor(one), spine, ...web('a', '192.0.2.1', 'node-1'));
  await until('both', () => one.table.size + other.table.size === 2);
  batch(bgpAdvertisement('block', { aggregationLength: 24, peers: ['tor'] }));
  await until('the block', () => tableOf(one) === '192.0.2.0/24,192.0.2.1/32');
  batch(bgpAdvertisement('all', { peers: ['spine'] }));
  await until('the address no more', () => tableOf(one) === '192.0.2.0/24');
  assert.equal(tableOf(other), '192.0.2.1/32');
  assert.deepEqual([one.heard, other.heard], [one.heard.slice(0, 2), other.heard.slice(0, 2)]);
});

test('a BFD profile makes a session in pulse, whose end is BGP’s', async (t) => {
  await using peer = await startModelPeer();
  const { batch, side, said } = start(t);
  const profile = {
    name: 'fast',
    receiveIntervalMilliseconds: 50,
    transmitIntervalMilliseconds: 50,
    detectMultiplier: 3,
    echoIntervalMilliseconds: 50,
    echoMode: false,
    passiveMode: false,
    minimumTtl: 254,
  };
  batch({ kind: 'BFDProfile', key: 'fast', object: profile }, ...base, tor(peer, { bfdProfile: 'fast' }));
  await until('established', () => peer.heard.includes('end-of-rib IPv4'));
  const { name: _, ...rest } = profile;
  assert.deepEqual(said.at(-1), {
    type: 'bfd',
    sessions: [{ peer: '127.0.0.1', isMultihop: false, profile: rest }],
  });
  const up = sampleBfdState('127.0.0.1', { isMultihop: false });
  side.bfdTold({ type: 'bfd', replace: true, upserts: [up], removals: [] });
  assert.equal(side.report()?.peers[0]?.bfd, 'up');
  const off = { ...up, state: 'down', remoteState: 'admin-down' } as const;
  side.bfdTold({ type: 'bfd', replace: false, upserts: [off], removals: [] });
  side.bfdTold({ type: 'bfd', replace: false, upserts: [up], removals: [] });
  assert.equal(side.report()?.peers[0]?.state, 'established');
  const down = { ...up, state: 'down', remoteState: 'down' } as const;
  side.bfdTold({ type: 'bfd', replace: false, upserts: [down], removals: [] });
  await until('ended', () => peer.heard.includes('notification 6/10'));
});

test('the report tells of each peer how it stands, and of those that are none of this node’s, why', async (t) => {
  await using peer = await startModelPeer();
  const { batch, side, state } = start(t);
  assert.equal(side.report(), undefined);
  const unnumbered = bgpPeer('unnumbered', { peer: { interface: 'eth1' } });
  batch(...base, tor(peer, { enableGracefulRestart: true }), unnumbered, ...web('a', '192.0.2.1', 'node-1'));
  await until('told', () => side.report()?.peers[0]?.told === true);
  const [one] = side.report()?.peers ?? [];
  assert.deepEqual(
    [one?.name, one?.state, one?.localAsn, one?.peerAsn, one?.families, one?.prefixes, one?.lastError],
    ['tor', 'established', 64500, 64501, ['IPv4'], 1, undefined],
  );
  assert.deepEqual(
    side.report()?.unused.map(({ kind }) => kind),
    ['unnumbered-unsupported'],
  );
  assert.equal(state.isMarked, true);
  peer.say({ kind: 'notification', code: 6, subcode: 2, data: new Uint8Array(0) });
  await until('down', () => side.report()?.peers[0]?.lastError !== undefined);
  assert.equal(side.report()?.peers[0]?.lastError, 'ended by the peer: cease: administrative shutdown');
});

test('a peer waits for its Secret; a new password restarts its session, the same one in another version does not', async (t) => {
  await using one = await startModelPeer();
  await using other = await startModelPeer();
  const { batch, side } = start(t);
  const signed = bgpPeer('signed', {
    peer: { address: sampleAddress('127.0.0.1') },
    peerPort: other.port,
    passwordSecret: { name: 'key', namespace: 'default' },
  });
  const gone = (): Change => ({ kind: 'Secret', key: 'default/key', object: undefined });
  const names = (): string[] => side.report()?.peers.map(({ name }) => name) ?? [];
  batch(...base, tor(one), signed);
  await until('the other', () => one.heard.includes('end-of-rib IPv4'));
  assert.deepEqual(
    side.report()?.unused.map(({ kind }) => kind),
    ['secret-missing'],
  );
  // Signed, it is not answered by this peer; so much can be seen without the kernel's part.
  batch(secretChange('key'));
  assert.deepEqual([names().sort(), side.report()?.unused], [['signed', 'tor'], []]);
  const since = (): string | undefined => side.report()?.peers.find(({ name }) => name === 'signed')?.since;
  const before = since();
  await new Promise((resolve) => setTimeout(resolve, 5));
  batch(secretChange('key'));
  assert.equal(since(), before);
  batch(secretChange('key', { password: 'another' }));
  assert.notEqual(since(), before);
  batch(gone());
  assert.deepEqual(names(), ['tor']);
  assert.doesNotMatch(JSON.stringify(side.report()), /another|"secret"/);
  assert.deepEqual(one.heard, ['open', 'end-of-rib IPv4']);
});

test('what an aggregate covers is dropped for as long as the aggregate is announced', async (t) => {
  await using peer = await startModelPeer();
  const { batch, discarded, state } = start(t);
  const block = bgpAdvertisement('all', { aggregationLength: 28 });
  batch(...base, tor(peer), block, ...web('a', '192.0.2.1', 'node-1'), ...web('b', '192.0.2.2', 'node-1'));
  await until('the block', () => tableOf(peer) === '192.0.2.0/28');
  assert.equal(discarded.at(-1), '192.0.2.0/28');
  state.readdress(interfacesWith('127.0.0.1/8', '192.0.2.5/24'));
  assert.equal(discarded.at(-1), '', 'neighbours may be there');
  state.readdress(interfacesWith('127.0.0.1/8'));
  assert.equal(discarded.at(-1), '192.0.2.0/28');
  batch(...web('a', '192.0.2.1'));
  batch(...web('b', '192.0.2.2'));
  await until('withdrawn', () => peer.table.size === 0);
  assert.equal(discarded.at(-1), '');
});

test('a next hop follows the addresses of its interface: told anew, withdrawn without one, and said why', async (t) => {
  await using peer = await startModelPeer({ families: ['IPv4', 'IPv6'] });
  const { batch, side, state } = start(t);
  const own = '127.0.0.1/8';
  state.readdress(interfacesWith(own, '2001:db8:1::1/64'));
  const endpoints = slice('b', [{ node: 'node-1', address: '2001:db8:9::1' }]);
  batch(
    ...base,
    tor(peer, { dualStackAddressFamily: true }),
    ...web('a', '192.0.2.1', 'node-1'),
    service('b', ['2001:db8::1']),
    { ...endpoints, object: endpoints.object && { ...endpoints.object, family: 'IPv6' } },
  );
  await until('both', () => peer.table.size === 2);
  const report = () => side.report()?.peers[0];
  const { since, sent = 0 } = report() ?? {};
  state.readdress(interfacesWith(own, '2001:db8:1::2/64'));
  await until('told anew', () => (report()?.sent ?? 0) > sent);
  state.readdress(interfacesWith(own));
  await until('withdrawn', () => tableOf(peer) === '192.0.2.1/32');
  assert.match(report()?.problem ?? '', /no IPv6 address/);
  state.readdress(interfacesWith(own, '2001:db8:1::3/64'));
  await until('back', () => peer.table.size === 2);
  assert.deepEqual([report()?.problem, report()?.since], [undefined, since]);
  state.readdress(interfacesWith(), '127.0.0.1');
  await until('begun anew', () => peer.heard.filter((one) => one === 'open').length === 2);
  assert.ok(peer.heard.includes('notification 6/4'));
});
