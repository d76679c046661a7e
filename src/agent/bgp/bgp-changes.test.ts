// What changes under the sessions of the BGP side: passwords, aggregates, addresses; and what each costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bgpAdvertisement, bgpPeer, secretChange } from '../../announce/bgp/sample-world.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { Change } from '../../model/world.ts';
import { service, slice } from '../test-world.ts';
import { startModelPeer } from './model-peer.ts';
import { base, interfacesWith, start, tableOf, tor, until, web } from './test-bgp-side.ts';

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
  batch(...web('a', '192.0.2.1', 'node-1'));
  await until('again', () => peer.table.size === 1);
  assert.equal(discarded.at(-1), '192.0.2.0/28');
  batch({ kind: 'BGPPeer', key: 'tor', object: undefined });
  assert.equal(discarded.at(-1), '', 'nobody is told any more');
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
