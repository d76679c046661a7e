// The pulse as a whole, on several nodes with a clock under control: who answers, through starts, deaths and farewells.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shareKeys, shareOf } from '../model/share.ts';
import type { LinkAddress } from './link.ts';
import { readEstate, writeEstate } from './succession.ts';
import { createTestCluster, type TestCluster, type TestNode, testLink } from './test-cluster.ts';

const vip = '192.0.2.200';
const candidatesOf = (...names: string[]): LinkAddress['candidates'] =>
  names.map((node) => ({ node, interfaces: [] }));
const table = (...names: string[]): LinkAddress[] =>
  [vip, '2001:db8:1::200'].map((address) => ({ address, candidates: candidatesOf(...names) }));

/** Two nodes, the first of which is wanted more, with an agent each. */
async function pair(cluster: TestCluster): Promise<[TestNode, TestNode]> {
  const nodes: [TestNode, TestNode] = [cluster.start('node1'), cluster.start('node2')];
  for (const node of nodes) {
    node.configure();
    node.announce(table('node1', 'node2'));
  }
  await cluster.run(1500);
  return nodes;
}

test('the most wanted of the living answers, and the next takes over within 200 ms of its death', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2', 'node3']);
  const nodes = ['node1', 'node2', 'node3'].map((name) => cluster.start(name));
  for (const node of nodes) {
    node.configure();
    node.announce(table('node2', 'node3', 'node1'));
  }
  assert.deepEqual(cluster.answering(vip), []);
  await cluster.run(1500);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  const [, node2, node3] = nodes;
  assert.ok(node2 && node3);
  node2.isCut = true;
  await cluster.run(200);
  assert.equal(node2.answers(vip), false);
  assert.equal(node3.answers(vip), true);
  const owned = node3.told.filter((message) => message.type === 'owned').at(-1);
  const { since, silenceMilliseconds, ...rest } = owned?.upserts[0] ?? {};
  assert.deepEqual(rest, { address: vip, interfaces: ['eth0'], cause: 'takeover', from: 'node2' });
  assert.ok(Math.abs(Date.now() - (since ?? 0)) < 60_000);
  assert.ok(silenceMilliseconds !== undefined && silenceMilliseconds > 150 && silenceMilliseconds < 200);
});

test('a node that stands alone answers at once', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1']);
  const node = cluster.start('node1');
  node.configure(join(cluster.directory, 'missing'));
  node.announce(table('node1'));
  await cluster.run(150);
  assert.deepEqual(cluster.answering(vip), ['node1']);
  assert.deepEqual(
    node.events.filter((event) => event.startsWith('key')),
    [],
  );
});

test('two halves of a cut network both answer; healed, one yields and the other announces anew', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  node1.isCut = true;
  await cluster.run(1000);
  assert.deepEqual(cluster.answering(vip), ['node1', 'node2']);
  await cluster.run(20_000);
  const before = node1.responder.announced.length;
  node1.isCut = false;
  await cluster.run(300);
  assert.deepEqual(cluster.answering(vip), ['node1']);
  assert.ok(node1.responder.announced.length > before);
});

test('a node that comes back takes nothing before its agent has sent a table', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const node2 = cluster.start('node2');
  node2.configure();
  node2.announce(table('node1', 'node2'));
  await cluster.run(1500);
  const node1 = cluster.start('node1');
  node1.configure();
  await cluster.run(5000);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  node1.announce(table('node1', 'node2'));
  await cluster.run(50);
  assert.deepEqual(cluster.answering(vip), ['node1']);
});

test('with part of its table it leaves everything to those that are ready, and answers where nobody is', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const node2 = cluster.start('node2');
  node2.configure();
  node2.announce(table('node1', 'node2'), true);
  await cluster.run(1500);
  assert.deepEqual(cluster.answering(vip), ['node2'], 'nobody else is there');
  node2.announce(table('node1', 'node2'));
  const node1 = cluster.start('node1');
  node1.configure();
  node1.announce(table('node1', 'node2').slice(0, 1), true);
  await cluster.run(5000);
  assert.deepEqual(cluster.answering(vip), ['node2'], 'node2 is ready');
  node1.announce(table('node1', 'node2'));
  await cluster.run(50);
  assert.deepEqual(cluster.answering(vip), ['node1'], 'node1 is ready too');
});

test('a farewell hands over at once, and is the last that is heard of a node however long it lingers', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  assert.deepEqual(cluster.answering(vip), ['node1']);
  node1.pulse.leave();
  assert.deepEqual(cluster.answering(vip), []);
  await cluster.run(10);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  for (let step = 0; step < 30; step++) {
    await cluster.run(100);
    assert.deepEqual(cluster.answering(vip), ['node2']);
  }
  assert.ok(node1.told.some(({ type }) => type === 'stopping'));
});

test('thousands of addresses are taken over in slices, and given up by silence at once', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const addresses = Array.from({ length: 5000 }, (_, index) => `198.18.${index >> 8}.${index & 255}`);
  const many = addresses.map((address) => ({ ...table('node1', 'node2')[0], address }) as LinkAddress);
  const [node1, node2] = [cluster.start('node1'), cluster.start('node2')];
  for (const node of [node1, node2]) {
    node.configure();
    node.announce(many);
  }
  await cluster.run(2500);
  const owned = (node: TestNode): number => {
    const message = node.pulse.greeting().find(({ type }) => type === 'owned');
    return message?.type === 'owned' ? message.upserts.length : 0;
  };
  assert.deepEqual([owned(node1), owned(node2)], [5000, 0]);
  node1.pulse.leave();
  assert.equal(addresses.filter((address) => node1.answers(address)).length, 0);
  await cluster.run(1000);
  assert.deepEqual([owned(node1), owned(node2)], [0, 5000]);
  assert.equal(addresses.filter((address) => node2.answers(address)).length, 5000);
});

test('without a key to hear the others it answers for nothing, until there is one and it has listened', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const node2 = cluster.start('node2');
  node2.configure();
  node2.announce(table('node2', 'node1'));
  const node1 = cluster.start('node1');
  const keyFile = join(cluster.directory, 'late');
  node1.configure(keyFile);
  node1.announce(table('node2', 'node1'));
  await cluster.run(5000);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  assert.equal(node1.events.filter((event) => event === 'key-unreadable').length, 1);
  writeFileSync(keyFile, '');
  await cluster.run(3000);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  writeFileSync(keyFile, 'the key of this cluster');
  for (let step = 0; step < 30; step++) {
    await cluster.run(100);
    assert.deepEqual(cluster.answering(vip), ['node2']);
  }
  node2.pulse.leave();
  await cluster.run(10);
  assert.deepEqual(cluster.answering(vip), ['node1']);
});

test('a key file that goes missing takes nothing from a node that has read it', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  node1.configure(join(cluster.directory, 'missing'));
  await cluster.run(2000);
  assert.deepEqual(cluster.answering(vip), ['node1']);
});

test('what it tells a new listener is what it really answers for', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1, node2] = await pair(cluster);
  const owned = (node: TestNode) => node.pulse.greeting().find((message) => message.type === 'owned');
  assert.deepEqual(
    owned(node1)?.upserts.map(({ interfaces }) => interfaces),
    [['eth0'], ['eth0']],
  );
  assert.deepEqual(owned(node2)?.upserts, []);
  assert.deepEqual(
    node1.pulse.greeting().map(({ type }) => type),
    ['hello', 'members', 'owned', 'counters'],
  );
});

test('an interface that cannot be opened counts as down, here and elsewhere, until it can be', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  assert.deepEqual(cluster.answering(vip), ['node1']);
  const link = testLink('eth0', 11);
  node1.responder.missing.add(77);
  node1.pulse.linksChanged([{ ...link, index: 77 }]);
  await cluster.run(50);
  assert.deepEqual(cluster.answering(vip), ['node2']);
  await cluster.run(5000);
  assert.equal(node1.events.filter((event) => event === 'interfaces-not-opened').length, 1);
  node1.responder.missing.delete(77);
  await cluster.run(1100);
  assert.deepEqual(cluster.answering(vip), ['node1']);
});

test('neighbours are told of a new MAC at once; news of other links cost nothing', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  await cluster.run(10_000);
  const announced = () => node1.responder.announced.length;
  let before = announced();
  const link = testLink('eth0', 11);
  node1.told.length = 0;
  node1.pulse.linksChanged([link, { ...testLink('veth1', 99), noArp: true }]);
  assert.deepEqual([announced() - before, node1.told], [0, []]);
  before = announced();
  node1.pulse.linksChanged([{ ...link, mac: Uint8Array.of(2, 0, 0, 0, 0, 99) }]);
  assert.equal(announced() - before, 2);
});

test('counters are told as they change, and what was refused is among them', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  // The leases' slack is told every second.
  const heard = () => node1.told.splice(0).filter(({ type }) => type !== 'leases');
  await cluster.run(20_000);
  heard();
  await cluster.run(3000);
  assert.equal(heard().length, 0);
  node1.answers(vip);
  for (let copy = 0; copy < 3; copy++) node1.pulse.heartbeatReceived(new Uint8Array(80), '192.0.2.12');
  node1.pulse.malformed('bad-checksum');
  await cluster.run(1000);
  const messages = heard();
  assert.equal(messages.length, 1);
  const counters = messages.find((message) => message.type === 'counters');
  assert.deepEqual(
    counters?.addresses.map(({ address }) => address),
    [vip],
  );
  assert.deepEqual(counters?.refused, [
    { cause: 'heartbeat-malformed', count: 3 },
    { cause: 'frame-bad-checksum', count: 1 },
  ]);
  assert.equal(node1.events.filter((event) => event === 'heartbeat-refused').length, 1);
});

test('a rival for an address of ours is warned of once, and not for a hand-over', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  const warnings = () => node1.events.filter((event) => event === 'address-conflict').length;
  const claim = () => node1.pulse.conflict(vip, 'eth0', Uint8Array.of(2, 0, 0, 0, 0, 77));
  claim();
  await cluster.run(500);
  claim();
  assert.equal(warnings(), 0);
  await cluster.run(600);
  claim();
  claim();
  assert.equal(warnings(), 1);
});

test('under another name it is another node: what it had is released, and said to be', async ({ mock }) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2']);
  const [node1] = await pair(cluster);
  node1.pulse.handle({ type: 'configure', node: 'other', members: [], keyFile: cluster.keyFile });
  assert.equal(node1.answers(vip), false);
  const owned = node1.told.filter((message) => message.type === 'owned').at(-1);
  assert.deepEqual([owned?.replace, owned?.upserts], [true, []]);
});

test('an heir goes on as the same member: its leases are renewed, and the table, the drain and the causes are there', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2', 'node3']);
  const [first, ...others] = ['node1', 'node2', 'node3'].map((name) => cluster.start(name));
  assert.ok(first);
  for (const node of [first, ...others]) {
    node.configure();
    node.announce(table('node1', 'node2', 'node3'));
  }
  await cluster.run(3000);
  const before = others.map(({ events }) => events.length);
  const estate = first.pulse.bequeath();
  assert.ok(estate);
  assert.deepEqual([first.answers(vip), first.pulse.bequeath()], [false, undefined]);
  first.isCut = true;
  const heir = cluster.start('node1');
  heir.pulse.inherit(readEstate(writeEstate(estate)));
  assert.deepEqual(cluster.answering(vip), ['node1']);
  await cluster.run(5000);
  assert.deepEqual(cluster.answering(vip), ['node1']);
  assert.deepEqual(
    others.map(({ events }, index) => events.slice(before[index])),
    [[], []],
  );
  // And it is as able to give up what it has.
  heir.pulse.handle({ type: 'drain', drain: true });
  await cluster.run(50);
  assert.deepEqual(cluster.answering(vip), ['node2']);
});

test('the connections to an address that is handed over are passed back to who had it, until that is dead', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2', 'node3']);
  const [node1, node2, node3] = ['node1', 'node2', 'node3'].map((name) => cluster.start(name));
  assert.ok(node1 && node2 && node3);
  for (const node of [node1, node2, node3]) {
    node.configure();
    node.announce(table('node1', 'node2', 'node3'));
  }
  await cluster.run(3000);
  assert.deepEqual([...node1.formerOwners], []);
  node1.pulse.handle({ type: 'drain', drain: true });
  await cluster.run(50);
  const both = (last: number): [string, string][] => [
    [vip, `192.0.2.${last}`],
    ['2001:db8:1::200', `2001:db8:1::${last}`],
  ];
  assert.deepEqual([...node2.formerOwners], both(11));
  node2.pulse.handle({ type: 'drain', drain: true });
  await cluster.run(50);
  assert.deepEqual([...node3.formerOwners], both(12));
  // For a while neighbours still send here what the one before knows.
  assert.deepEqual([...node2.formerOwners], both(11));
  await cluster.run(7000);
  assert.deepEqual([...node2.formerOwners], []);
  assert.deepEqual([...node3.formerOwners], both(12));
  node2.isCut = true;
  await cluster.run(300);
  assert.deepEqual([...node3.formerOwners], []);
});

test('an address is spread, and made whole again, while it is answered for; who knows its connections is passed them', async ({
  mock,
}) => {
  using cluster = createTestCluster(mock.timers, ['node1', 'node2', 'node3']);
  const names = ['node1', 'node2', 'node3'];
  const nodes = names.map((name) => cluster.start(name));
  const [node1, node2, node3] = nodes;
  assert.ok(node1 && node2 && node3);
  const whole = [{ address: vip, candidates: candidatesOf(...names) }];
  const spread = shareKeys(vip).map((address, share) => ({
    address,
    candidates: candidatesOf(...names.slice(share % 3), ...names.slice(0, share % 3)),
  }));
  for (const node of nodes) {
    node.configure();
    node.announce(whole);
  }
  await cluster.run(3000);
  const neighbours = Array.from({ length: 64 }, (_, last) => Uint8Array.of(2, 0, 0, 1, 0, last));
  const owners = (): string[] =>
    neighbours.map((mac) => {
      const answering = cluster.answering(vip, mac);
      assert.equal(answering.length, 1);
      return answering[0] ?? '';
    });
  assert.deepEqual(new Set(owners()), new Set(['node1']));
  for (const node of [node3, node2, node1]) node.announce(spread);
  await cluster.run(2500);
  const wanted = neighbours.map((mac) => names[shareOf(mac) % 3] ?? '');
  assert.deepEqual(owners(), wanted);
  for (const [index, node] of nodes.entries()) {
    const passed = shareKeys(vip).flatMap((key, share) =>
      share % 3 === index && index > 0 ? [[key, '192.0.2.11']] : [],
    );
    assert.deepEqual([...node.formerOwners].sort(), passed.sort());
  }

  node2.isCut = true;
  await cluster.run(400);
  node2.responder.setInterfaces([]);
  const moved = owners();
  for (const [index, owner] of moved.entries())
    if (wanted[index] !== 'node2') assert.equal(owner, wanted[index], 'others stay where they are');
    else assert.notEqual(owner, 'node2');

  for (const node of [node1, node3]) node.announce(whole);
  await cluster.run(2500);
  assert.deepEqual(new Set(owners()), new Set(['node1']));
  assert.deepEqual(new Set(node1.formerOwners.values()), new Set(['192.0.2.13']));
  assert.ok([...node1.formerOwners.keys()].every((key) => key.startsWith(`${vip}#`)));
  node1.pulse.handle({ type: 'drain', drain: true });
  await cluster.run(7000);
  assert.deepEqual([...node1.formerOwners], []);
});
