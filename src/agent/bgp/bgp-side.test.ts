// The agent's BGP side as a whole: objects in; what a model peer on loopback is told, statuses and reports out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bgpAdvertisement, bgpPeer } from '../../announce/bgp/sample-world.ts';
import { sampleAddress } from '../../model/sample.ts';
import { sampleBfdState } from '../../pulse/sample-bfd.ts';
import { startModelPeer } from './model-peer.ts';
import { asksToBeLeft, base, excluded, start, tableOf, tor, until, web } from './test-bgp-side.ts';

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

test('that a new agent announces what the last one did is no news', async (t) => {
  await using peer = await startModelPeer();
  const { statuses, events, batch } = start(t, { reportedBefore: ['web/a'] });
  batch(...base, tor(peer), ...web('a', '192.0.2.1', 'node-1'), ...web('b', '192.0.2.2', 'node-1'));
  await until('both are reported', () => statuses.size === 2);
  assert.deepEqual(events, ['Node node-1 announces 192.0.2.2 with protocol bgp to tor.']);
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
  const { batch, side, said, state, reported } = start(t);
  batch(...base, tor(peer), ...web('a', '192.0.2.1', 'node-1'));
  await until('announced', () => peer.table.size === 1);
  state.isDrained = true;
  side.drainTold();
  await until('asked to be left', () => asksToBeLeft(peer));
  await until('withdrawn', () => peer.table.size === 0);
  await until('and reported', () => reported.at(-1) === 0);
  state.isDrained = false;
  side.drainTold();
  await until('again', () => peer.table.size === 1 && !asksToBeLeft(peer));
  batch(excluded);
  await until('asked to be left for the label, too', () => asksToBeLeft(peer));
  await until('withdrawn', () => peer.table.size === 0);
  assert.equal(peer.heard.filter((one) => one === 'open').length, 1);
  const counts = said.flatMap((message) => (message.type === 'bgp-routes' ? [message.count] : []));
  assert.deepEqual(counts, [1, 0, 1, 0], 'pulse knows how many routes the peers have');
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
    ['neighbour-unknown'],
  );
  assert.equal(state.isMarked, true);
  peer.say({ kind: 'notification', code: 6, subcode: 2, data: new Uint8Array(0) });
  await until('down', () => side.report()?.peers[0]?.lastError !== undefined);
  assert.equal(side.report()?.peers[0]?.lastError, 'ended by the peer: cease: administrative shutdown');
});
