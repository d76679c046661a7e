// The speaker on real sockets, against a model peer on loopback: what that is told, and what ends a session and what not.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PathIntent } from '../../announce/bgp/path-set.ts';
import type { Prefix } from '../../announce/bgp/prefix.ts';
import type { PeerSettings } from '../../announce/bgp/settings.ts';
import { parseCidr } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { LogFields } from '../../observe/log.ts';
import { silentLog } from '../../observe/log.ts';
import { configurationOf, type ModelPeer, startModelPeer } from './model-peer.ts';
import { createSpeaker, type Speaker } from './speaker.ts';

const intent: PathIntent = {
  localPreference: undefined,
  communities: [],
  bandwidthBytesPerSecond: undefined,
};
const other: PathIntent = { ...intent, communities: [{ kind: 'standard', value: 0xfbf4_0064 }] };

function prefix(text: string): Prefix {
  const cidr = parseCidr(text);
  assert.ok(cidr);
  return { ...cidr, pathId: undefined };
}

interface Bench {
  readonly speaker: Speaker;
  readonly warnings: LogFields[];
  state(): string | undefined;
}

function bench(t: TestContext, isRestarting = false): Bench {
  const warnings: LogFields[] = [];
  const speaker = createSpeaker({
    isRestarting,
    nextHops: (_, family) => [sampleAddress(family === 'IPv4' ? '192.0.2.1' : '2001:db8::1')],
    log: { ...silentLog, warn: (event, fields) => warnings.push({ event, ...fields }) },
    changed() {},
  });
  t.after(() => speaker.configure([]));
  speaker.begin();
  return { speaker, warnings, state: () => speaker.sessions.get('tor')?.machine.state };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const times = (peer: ModelPeer, what: string): number => peer.heard.filter((one) => one === what).length;

const meet = async (
  { speaker }: Bench,
  peer: ModelPeer,
  settings: Partial<PeerSettings> = {},
): Promise<void> => {
  speaker.configure([configurationOf(peer, settings)]);
  await until('established', () => peer.heard.includes('end-of-rib IPv4'));
};

test('a peer is told what there is, then End-of-RIB, then what changes', async (t) => {
  await using peer = await startModelPeer({ families: ['IPv4', 'IPv6'] });
  const it = bench(t);
  it.speaker.want('', prefix('198.51.100.1/32'), intent);
  it.speaker.want('', prefix('2001:db8:1::1/128'), intent);
  it.speaker.want('another audience', prefix('198.51.100.9/32'), intent);
  await meet(it, peer, { families: ['IPv4', 'IPv6'] });
  await until('both', () => peer.heard.includes('end-of-rib IPv6'));
  assert.deepEqual([...peer.table.keys()], ['198.51.100.1/32', '2001:db8:1::1/128']);
  it.speaker.want('', prefix('198.51.100.2/32'), other);
  it.speaker.want('', prefix('198.51.100.1/32'), undefined);
  await until('changed', () => peer.table.has('198.51.100.2/32') && !peer.table.has('198.51.100.1/32'));
  await until('told', () => it.speaker.sessions.get('tor')?.routes.isDone === true);
  assert.equal(times(peer, 'open'), 1);
});

test('a change of the peer ends its own session alone, and a change of audience none', async (t) => {
  await using peer = await startModelPeer();
  await using neighbour = await startModelPeer();
  const it = bench(t);
  for (const text of ['198.51.100.1/32', '198.51.100.2/32']) it.speaker.want('', prefix(text), intent);
  it.speaker.want('tor', prefix('198.51.100.2/32'), intent);
  it.speaker.want('tor', prefix('198.51.100.3/32'), intent);
  const next = configurationOf(neighbour, {}, { name: 'next' });
  it.speaker.configure([configurationOf(peer), next]);
  await until('both', () => peer.table.size + neighbour.table.size === 4);
  it.speaker.configure([configurationOf(peer, {}, { audience: 'tor' }), next]);
  await until('moved', () => [...peer.table.keys()].sort().join() === '198.51.100.2/32,198.51.100.3/32');
  assert.equal(times(peer, 'open'), 1);
  it.speaker.configure([configurationOf(peer, { holdTimeSeconds: 30 }, { audience: 'tor' }), next]);
  await until('anew', () => times(peer, 'open') === 2 && peer.table.size === 2);
  assert.ok(peer.heard.includes('notification 6/6'));
  it.speaker.configure([next]);
  await until('gone', () => peer.heard.includes('notification 6/3'));
  assert.deepEqual(neighbour.heard, ['open', 'end-of-rib IPv4']);
});

test('a reason is logged once, not for each retry, and is gone with the session’s coming', async (t) => {
  await using peer = await startModelPeer({ localAsn: 64999 });
  const it = bench(t);
  it.speaker.configure([configurationOf(peer)]);
  await until('refused again and again', () => times(peer, 'notification 2/2') >= 3);
  assert.deepEqual(
    it.warnings.map(({ event, reason }) => [event, reason]),
    [['bgp-not-established', 'the peer says it is AS 64999, but 64501 is configured']],
  );
  it.speaker.configure([configurationOf(peer, { peerAsn: 64999 })]);
  await until('established', () => it.state() === 'established');
  assert.equal(it.speaker.lastErrors.size, 0);
});

test('after a reset, after nonsense and after a shutdown of the peer, the session comes again by itself', async (t) => {
  await using peer = await startModelPeer();
  const it = bench(t);
  it.speaker.want('', prefix('198.51.100.1/32'), intent);
  await meet(it, peer);
  const ends = [
    () => peer.reset(),
    () => peer.sayBytes(new Uint8Array(19)),
    () => peer.say({ kind: 'notification', code: 6, subcode: 4, data: new Uint8Array(0) }),
  ];
  for (const [index, end] of ends.entries()) {
    await until('a table', () => peer.table.size === 1);
    end();
    await until('again', () => times(peer, 'end-of-rib IPv4') === index + 2);
  }
  assert.ok(peer.heard.includes('notification 1/1'));
  assert.equal(it.warnings.length, 3);
});

test('a refresh brings the table again, between its marks', async (t) => {
  await using peer = await startModelPeer();
  const it = bench(t);
  it.speaker.want('', prefix('198.51.100.1/32'), intent);
  await meet(it, peer);
  peer.say({ kind: 'route-refresh', afi: 1, subtype: 0, safi: 1 });
  await until('marked', () => peer.heard.includes('refresh 2'));
  assert.deepEqual(peer.heard, ['open', 'end-of-rib IPv4', 'refresh 1', 'refresh 2']);
});

test('a peer that does not read is not written to, and gets all once it reads', {
  timeout: 60_000,
}, async (t) => {
  await using peer = await startModelPeer();
  const it = bench(t);
  await meet(it, peer);
  peer.freeze();
  const count = 14_000;
  const prefixOf = (index: number): Prefix => ({
    address: { family: 'IPv4', value: 0xc612_0000n + BigInt(index) },
    prefixLength: 32,
    pathId: undefined,
  });
  // A set of its own for each, so that there are messages enough to fill any socket's buffer.
  for (let index = 0; index < count; index++) {
    const value = Array.from({ length: 60 }, (_, at): PathIntent['communities'][number] => ({
      kind: 'large',
      value: [64500, index, at],
    }));
    it.speaker.want('', prefixOf(index), { ...intent, communities: value });
  }
  const session = it.speaker.sessions.get('tor');
  const isStuck = (): boolean =>
    (session?.machine.connections[0]?.sendHoldAt ?? 0) < Number.POSITIVE_INFINITY;
  await until('stuck', isStuck);
  assert.equal(session?.routes.isDone, false);
  assert.ok((session?.sent.update ?? count) < count);
  peer.thaw();
  await until('all', () => peer.table.size === count);
  await until('done', () => session?.routes.isDone === true && !isStuck());
});

test('BFD down ends the session at once, and BFD up brings it at once', async (t) => {
  await using peer = await startModelPeer();
  const it = bench(t);
  await meet(it, peer, { connectRetrySeconds: 1000 });
  it.speaker.bfdChanged('tor', false);
  await until('down', () => peer.heard.includes('notification 6/10'));
  assert.equal(it.state(), 'active');
  it.speaker.bfdChanged('tor', true);
  await until('up', () => it.state() === 'established');
});

test('who stops says so, after having asked for its traffic to be moved', async (t) => {
  await using peer = await startModelPeer();
  const it = bench(t);
  it.speaker.want('', prefix('198.51.100.1/32'), intent);
  await meet(it, peer);
  const closed = it.speaker.close();
  await until('asked', () =>
    [...peer.table.values()]
      .flat()
      .some((one) => one.kind === 'communities' && one.communities.includes(0xffff_0000)),
  );
  await closed;
  await until('closed', () => peer.heard.includes('closed'));
  assert.deepEqual(peer.heard, ['open', 'end-of-rib IPv4', 'notification 6/2', 'closed']);
});

test('who restarts with graceful restart says nothing, and that he has restarted when he is back', async (t) => {
  await using peer = await startModelPeer();
  const gracefulRestart = { restartTimeSeconds: 120, longLivedSeconds: 0, endOfRibSeconds: 60 };
  const before = bench(t);
  await meet(before, peer, { gracefulRestart });
  await before.speaker.close();
  await until('closed', () => peer.heard.includes('closed'));
  assert.deepEqual(peer.heard, ['open', 'end-of-rib IPv4', 'closed']);
  const after = bench(t, true);
  after.speaker.configure([configurationOf(peer, { gracefulRestart })]);
  assert.equal(after.speaker.sessions.get('tor')?.machine.isRestarting, true);
  await until('back', () => times(peer, 'end-of-rib IPv4') === 2);
  assert.equal(after.speaker.sessions.get('tor')?.machine.isRestarting, false);
});
