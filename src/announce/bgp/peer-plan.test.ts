// Which peers a node has, and what its sessions are to be, field by field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BgpPeer } from '../../model/bgp.ts';
import type { Node } from '../../model/node.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { Secret } from '../../model/secret.ts';
import type { Change } from '../../model/world.ts';
import { planPeers } from './peer-plan.ts';
import { bgpSentence } from './reason.ts';
import { bgpAdvertisement, bgpPeer, bgpWorld, secretChange } from './sample-world.ts';

const plan = (changes: readonly Change[], node: Partial<Node> = {}) => {
  const world = bgpWorld(...changes);
  const own = world.nodes.get('a');
  assert.ok(own);
  return planPeers(world, { ...own, ...node }, { neighbourOn: () => undefined, isListening: false });
};
const settings = (more: Partial<BgpPeer>, node: Partial<Node> = {}) =>
  plan([bgpPeer('tor', more)], node).peers[0]?.settings;

test('a session speaks its own family alone, unless both are asked for', () => {
  const over = (text: string) => ({ peer: { address: sampleAddress(text) } });
  assert.deepEqual(settings({})?.families, ['IPv4']);
  assert.deepEqual(settings(over('2001:db8::fe'))?.families, ['IPv6']);
  const both = { ...over('2001:db8::fe'), dualStackAddressFamily: true };
  assert.deepEqual(settings(both)?.families, ['IPv4', 'IPv6']);
  assert.equal(settings(both)?.extendedNextHop, true);
});

test('our AS is the local one where there is one; the router ID is given, the node’s, or of its name', () => {
  assert.equal(settings({})?.localAsn, 64500);
  assert.equal(settings({ localAsn: 64777 })?.localAsn, 64777);
  assert.equal(settings({})?.routerId, 0xc000020b);
  assert.equal(settings({ routerId: sampleAddress('192.0.2.99') })?.routerId, 0xc0000263);
  const alone = { addresses: [sampleAddress('2001:db8::11')] };
  const [one, other] = ['a', 'b'].map((name) => settings({}, { ...alone, name })?.routerId);
  assert.ok(one !== undefined && one > 0 && one !== other);
});

test('graceful restart is asked for only where the peer has it on', () => {
  assert.equal(settings({})?.gracefulRestart, undefined);
  assert.equal(settings({ enableGracefulRestart: true })?.gracefulRestart?.restartTimeSeconds, 120);
});

test('a peer that an advertisement names is told apart', () => {
  const { peers } = plan([
    bgpPeer('spine'),
    bgpPeer('tor'),
    bgpAdvertisement('all'),
    bgpAdvertisement('one', { peers: ['tor'] }),
  ]);
  assert.deepEqual(
    peers.map(({ peer, audience }) => [peer.name, audience]),
    [
      ['spine', ''],
      ['tor', 'tor'],
    ],
  );
});

test('a password comes from the Secret that the peer names; what is wrong with it is told, and never the password', () => {
  const told = (secret: Partial<Secret> | undefined): string | undefined => {
    const change = secret === undefined ? [] : [secretChange('key', secret)];
    const tor = bgpPeer('tor', { passwordSecret: { name: 'key', namespace: 'default' } });
    const { peers, unused } = plan([tor, ...change]);
    for (const reason of unused) assert.match(bgpSentence(reason), /Secret default\/key.*: .*\.$/);
    for (const reason of unused) assert.doesNotMatch(JSON.stringify(reason), /hunter2/);
    return peers[0]?.password ?? unused[0]?.kind;
  };
  assert.equal(told({ password: 'hunter2' }), 'hunter2');
  assert.equal(told(undefined), 'secret-missing');
  assert.equal(told({ type: 'Opaque', password: 'hunter2' }), 'secret-of-other-type');
  assert.equal(told({ password: undefined }), 'secret-without-password');
});

test('who is not this node’s peer is told, with the reason', () => {
  const elsewhere = [{ matchLabels: { name: 'b' }, matchExpressions: [] }];
  const { peers, unused } = plan([
    bgpPeer('here', { nodeSelectors: [{ matchLabels: { name: 'a' }, matchExpressions: [] }] }),
    bgpPeer('there', { nodeSelectors: elsewhere }),
    bgpPeer('secret', { passwordSecret: { name: 'key', namespace: 'default' } }),
    bgpPeer('passive', { isPassive: true }),
    bgpPeer('unnumbered', { peer: { interface: 'eth1' } }),
  ]);
  assert.deepEqual(
    peers.map(({ peer }) => peer.name),
    ['here'],
  );
  assert.deepEqual(
    unused.map(({ kind }) => kind),
    ['not-listening', 'secret-missing', 'peer-not-for-node', 'neighbour-unknown'],
  );
  for (const reason of unused) assert.match(bgpSentence(reason), /BGPPeer .*: .*\.$/);
});
