// Tests of the table that pulse is told: what it holds at the end is what counts, and that little is sent.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAddressIndex } from '../announce/address-index.ts';
import { shareKeys } from '../model/share.ts';
import { applyBatch, emptyWorld } from '../model/world.ts';
import type { LinkAddress, ToPulse } from '../pulse/link.ts';
import { createAnnouncements } from './announcements.ts';
import { advertisement, node, pool, service, slice } from './test-world.ts';
import type { TimeSlice } from './time-slice.ts';

/** A slice that is over after so many steps, however fast the machine is. */
function sliceOf(steps: number): TimeSlice {
  let left = steps;
  return {
    isOver: () => --left <= 0,
    async next() {
      await new Promise((resolve) => setImmediate(resolve));
      left = steps;
    },
  };
}

/** A pulse that keeps the table it is told. */
function start(
  t: TestContext,
  options: { owned?: readonly string[]; nodes?: readonly string[]; slice?: number } = {},
) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const world = emptyWorld();
  const index = createAddressIndex();
  const forwarded = new Set<string>();
  const messages: Extract<ToPulse, { type: 'announce' }>[] = [];
  const table = new Map<string, LinkAddress>();
  const announcements = createAnnouncements({
    world,
    index,
    isHealthy: () => true,
    isForwarded: (key) => forwarded.has(key),
    isOwned: (address) => options.owned?.includes(address) ?? false,
    send: (message) => {
      assert.ok(message.type === 'announce');
      messages.push(message);
      if (message.replace) table.clear();
      for (const entry of message.upserts) table.set(entry.address, entry);
      for (const address of message.removals) table.delete(address);
    },
    signal: stop.signal,
    startSlice: () => sliceOf(options.slice ?? Number.POSITIVE_INFINITY),
  });
  const nodes = options.nodes ?? ['node-1', 'node-2'];
  applyBatch(world, {
    complete: true,
    changes: [pool(), advertisement(), ...nodes.map((name) => node(name))],
  });
  /** A Service with its addresses and one ready endpoint; without addresses it loses them. */
  const serve = (name: string, ...addresses: string[]): void => {
    const change = service(name, addresses);
    applyBatch(world, { complete: true, changes: [change, slice(name, [{ node: 'node-1' }])] });
    announcements.touch(index.update(change.key, change.object));
  };
  const forward = (name: string): void => {
    forwarded.add(`web/${name}`);
    announcements.forwarded(`web/${name}`);
  };
  return { announcements, world, index, messages, table, serve, forward };
}

test('a table is partial until all is forwarded, and then said to be complete, once', (t) => {
  const { announcements, messages, serve, forward } = start(t);
  announcements.linked();
  serve('a', '192.0.2.1');
  serve('b', '192.0.2.2');
  forward('a');
  announcements.complete();
  announcements.complete();
  forward('b');
  assert.deepEqual(
    messages.map(({ upserts, isPartial = false }) => [upserts.map(({ address }) => address), isPartial]),
    [
      [[], true],
      [['192.0.2.1'], true],
      [[], false],
      [['192.0.2.2'], false],
    ],
  );
});

test('an address is announced once its packets are forwarded, with the candidates in order', (t) => {
  const { announcements, table, serve, forward } = start(t);
  announcements.linked();
  serve('a', '192.0.2.1');
  assert.equal(table.size, 0);
  forward('a');
  const candidates = table.get('192.0.2.1')?.candidates.map((candidate) => candidate.node);
  assert.deepEqual(candidates?.toSorted(), ['node-1', 'node-2']);
});

test('a pulse that comes gets the whole table at once, whatever it had before', (t) => {
  const { announcements, messages, table, serve, forward } = start(t);
  serve('a', '192.0.2.1');
  serve('b', '192.0.2.2', '192.0.2.3');
  forward('a');
  forward('b');
  table.set('192.0.2.99', { address: '192.0.2.99', candidates: [] });
  announcements.linked();
  assert.deepEqual([...table.keys()].sort(), ['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  assert.equal(messages.length, 1);
  announcements.unlinked();
  serve('a');
  announcements.linked();
  assert.deepEqual([...table.keys()].sort(), ['192.0.2.2', '192.0.2.3']);
});

test('before everything was planned once, pulse is not told, lest it forgets what it answers for', (t) => {
  const { announcements, messages } = start(t);
  announcements.linked();
  assert.equal(messages.length, 0);
  announcements.touch([]);
  assert.deepEqual(messages, [
    { type: 'announce', replace: true, upserts: [], removals: [], isPartial: true },
  ]);
});

test('what pulse answers for already stays, though its forwarding is not confirmed yet', (t) => {
  const { announcements, table, serve } = start(t, { owned: ['192.0.2.1'] });
  serve('a', '192.0.2.1');
  serve('b', '192.0.2.2');
  announcements.linked();
  assert.deepEqual([...table.keys()], ['192.0.2.1']);
});

test('a change sends that change alone, and no change sends nothing', (t) => {
  const { announcements, messages, serve, forward } = start(t);
  for (let index = 1; index <= 9; index++) {
    serve(`s${index}`, `192.0.2.${index}`);
    forward(`s${index}`);
  }
  announcements.linked();
  messages.length = 0;
  serve('s3', '192.0.2.3');
  assert.equal(messages.length, 0);
  serve('s3', '192.0.2.33');
  assert.deepEqual(
    messages.map(({ replace, upserts, removals }) => [
      replace,
      upserts.map((entry) => entry.address),
      removals,
    ]),
    [[false, ['192.0.2.33'], ['192.0.2.3']]],
  );
});

test('a shared address stays while one of its Services has it', (t) => {
  const { announcements, table, serve, forward } = start(t);
  announcements.linked();
  serve('a', '192.0.2.1');
  serve('b', '192.0.2.1');
  forward('a');
  assert.ok(table.has('192.0.2.1'));
  serve('a');
  assert.ok(table.has('192.0.2.1'));
  serve('b');
  assert.ok(!table.has('192.0.2.1'));
});

test('an address without any candidate is taken out', (t) => {
  const { announcements, world, index, table, serve, forward } = start(t);
  announcements.linked();
  serve('a', '192.0.2.1');
  forward('a');
  applyBatch(world, { complete: true, changes: [slice('a', [{ node: 'node-1', ready: false }])] });
  announcements.touch(index.addressesOf('web/a'));
  assert.equal(table.size, 0);
});

test('many addresses are planned in slices, and all of them in the end', async (t) => {
  const { announcements, world, index, table, forward } = start(t, { slice: 100 });
  announcements.linked();
  const names = Array.from({ length: 300 }, (_, number) => `s${number}`);
  for (const [number, name] of names.entries()) {
    const change = service(name, [`198.18.${number >> 8}.${number & 255}`]);
    applyBatch(world, { complete: true, changes: [change, slice(name, [{ node: 'node-1' }])] });
    index.update(change.key, change.object);
    forward(name);
  }
  announcements.touch(index.addresses());
  assert.equal(table.size, 0, 'the rest is planned in later slices, and told with it');
  while (table.size < names.length) await new Promise((resolve) => setImmediate(resolve));
});

test('an address that is spread has an entry for each share, and one for all of it once it is whole again', (t) => {
  const { announcements, world, index, messages, table, serve, forward } = start(t);
  announcements.linked();
  serve('a', '192.0.2.1');
  serve('b', '192.0.2.2');
  for (const name of ['a', 'b']) forward(name);
  const spread = (isSpread: boolean): void => {
    applyBatch(world, { complete: true, changes: [advertisement(isSpread)] });
    announcements.touch(index.addresses());
  };
  spread(true);
  assert.deepEqual([...table.keys()].sort(), ['192.0.2.1', '192.0.2.2'].flatMap(shareKeys).sort());
  assert.equal(announcements.size, 2);
  messages.length = 0;
  spread(true);
  assert.equal(messages.length, 0);
  spread(false);
  assert.deepEqual([...table.keys()].sort(), ['192.0.2.1', '192.0.2.2']);
});

test('of what is spread a share that pulse answers for keeps all of it, though its forwarding is not confirmed yet', (t) => {
  const { announcements, world, table, serve } = start(t, { owned: ['192.0.2.1'] });
  applyBatch(world, { complete: true, changes: [advertisement(true)] });
  serve('a', '192.0.2.1');
  announcements.linked();
  assert.deepEqual([...table.keys()], shareKeys('192.0.2.1'));
});
