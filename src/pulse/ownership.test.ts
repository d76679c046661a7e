// Owning and releasing: what an election changes, and the cause that is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import { parseAddress } from '../model/address.ts';
import { createOwnership, reelect, type View } from './ownership.ts';

const address = parseAddress('192.0.2.200');
assert.ok(address);
const eth0: NodeInterface = { name: 'eth0', up: true, subnets: [] };
const entry = { address, candidates: ['b', 'a'].map((node) => ({ node, interfaces: [] })) };
/** As `a` sees it: these are alive, those are known to be dead. */
const view = (alive: Record<string, NodeInterface[]>, dead: readonly string[] = []): View => ({
  self: 'a',
  interfacesOf: (node) => alive[node],
  isDead: (node) => dead.includes(node),
});

test('an address is owned while this node is elected, and released to whom comes before it', () => {
  const ownership = createOwnership();
  const elect = (seen: View) => reelect(ownership, '192.0.2.200', entry, seen);
  const first = elect(view({ a: [eth0] }));
  assert.deepEqual(first, {
    kind: 'own',
    key: '192.0.2.200',
    isNew: true,
    entry: { address, interfaces: ['eth0'], cause: 'elected', from: undefined },
  });
  assert.equal(elect(view({ a: [eth0] })), undefined);
  const lost = elect(view({ a: [eth0], b: [eth0] }));
  assert.equal(lost?.kind, 'release');
  assert.equal(lost?.kind === 'release' && lost.to, 'b');
  assert.equal(elect(view({ a: [eth0], b: [eth0] })), undefined);
});

test('it comes by takeover from the dead, and by failback from the living', () => {
  const ownership = createOwnership();
  const elect = (seen: View) => reelect(ownership, '192.0.2.200', entry, seen);
  elect(view({ a: [eth0], b: [eth0] }));
  const taken = elect(view({ a: [eth0] }, ['b']));
  assert.deepEqual(taken?.kind === 'own' && [taken.entry.cause, taken.entry.from], ['takeover', 'b']);
  elect(view({ a: [eth0], b: [eth0] }));
  const back = elect(view({ a: [eth0] }));
  assert.deepEqual(back?.kind === 'own' && [back.entry.cause, back.entry.from], ['failback', 'b']);
});

test('interfaces that come and go change what is owned, and leave its cause', () => {
  const ownership = createOwnership();
  const elect = (seen: View) => reelect(ownership, '192.0.2.200', entry, seen);
  elect(view({ b: [eth0] }));
  elect(view({ a: [eth0] }, ['b']));
  const wider = elect(view({ a: [eth0, { ...eth0, name: 'eth1' }] }, ['b']));
  assert.deepEqual(wider?.kind === 'own' && [wider.entry.interfaces, wider.isNew, wider.entry.cause], [
    ['eth0', 'eth1'],
    false,
    'takeover',
  ]);
});

test('an address that leaves the table is released, and forgotten', () => {
  const ownership = createOwnership();
  reelect(ownership, '192.0.2.200', entry, view({ a: [eth0] }));
  const gone = reelect(ownership, '192.0.2.200', undefined, view({ a: [eth0] }));
  assert.equal(gone?.kind, 'release');
  assert.equal(ownership.owned.size + ownership.lastOwner.size, 0);
});
