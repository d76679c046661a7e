// Tests of what is reported about the Services that this node answers for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressIndex } from '../announce/address-index.ts';
import type { LinkOwned } from '../pulse/link.ts';
import { sampleOwned } from '../pulse/sample-link.ts';
import { createOwnershipReport } from './ownership-report.ts';
import { service } from './test-world.ts';

function start(reportedBefore: readonly string[] = []) {
  const index = createAddressIndex();
  const owned = new Map<string, readonly LinkOwned[]>();
  const stored = new Map<string, unknown>(
    reportedBefore.map((key) => [`l2-node-1.${key.replace('/', '.')}`, 'old']),
  );
  stored.set('l2-node-2.web.a', 'old');
  const messages: string[] = [];
  const shown = new Map<string, Readonly<Record<string, string>>>();
  const report = createOwnershipReport({
    node: 'node-1',
    index,
    owned,
    statuses: {
      put: ({ metadata, status }) => {
        stored.set(metadata.name, status);
        shown.set(metadata.name, metadata.annotations ?? {});
      },
      remove: (kind, _namespace, name) => kind === 'ServiceL2Status' && stored.delete(name),
      idle: async () => {},
    },
    events: { record: ({ reason, message }) => messages.push(`${reason}: ${message}`) },
  });
  report.adopt(reportedBefore);
  const has = (name: string, ...addresses: string[]): void => {
    const { key, object } = service(name, addresses);
    index.update(key, object);
    report.serviceChanged(key);
  };
  const own = (address: string, more: Partial<LinkOwned> = {}): void => {
    owned.set(address, [sampleOwned(address, more)]);
    report.ownedChanged([address]);
  };
  const lose = (address: string): void => {
    owned.delete(address);
    report.ownedChanged([address]);
  };
  const interfaces = (name: string): unknown => {
    const status = stored.get(`l2-node-1.web.${name}`);
    if (typeof status !== 'object' || status === null || !('interfaces' in status)) return status;
    return status.interfaces;
  };
  if (reportedBefore.length === 0) report.reconcile();
  /** Shares of the address, by number; each by the cause that is told. */
  const ownShares = (address: string, shares: readonly number[], more: Partial<LinkOwned> = {}): void => {
    const keys = shares.map((share) => `${address}#${share}`);
    const others = (owned.get(address) ?? []).filter((entry) => !keys.includes(entry.address));
    owned.set(address, [...others, ...keys.map((key) => sampleOwned(key, more))]);
    report.ownedChanged(keys);
  };
  return { report, stored, shown, messages, has, own, ownShares, lose, interfaces };
}

test('a Service is reported with its interfaces while this node answers for one of its addresses', () => {
  const { stored, has, own, lose, interfaces } = start();
  has('a', '192.0.2.1', '2001:db8::1');
  assert.equal(interfaces('a'), undefined);
  own('192.0.2.1');
  own('2001:db8::1', { interfaces: ['eth1'] });
  assert.deepEqual(interfaces('a'), [{ name: 'eth0' }, { name: 'eth1' }]);
  lose('192.0.2.1');
  assert.deepEqual(interfaces('a'), [{ name: 'eth1' }]);
  lose('2001:db8::1');
  assert.deepEqual([...stored.keys()], ['l2-node-2.web.a']);
});

test('a Service that is deleted, or loses its address, is reported no more', () => {
  const { has, own, interfaces } = start();
  has('a', '192.0.2.1');
  own('192.0.2.1');
  has('a');
  assert.equal(interfaces('a'), undefined);
});

test('Services that share an address are all reported', () => {
  const { has, own, interfaces } = start();
  has('a', '192.0.2.1');
  has('b', '192.0.2.1');
  own('192.0.2.1');
  assert.deepEqual([interfaces('a'), interfaces('b')], [[{ name: 'eth0' }], [{ name: 'eth0' }]]);
});

test('a takeover takes back the report of the dead node, and its event names both', () => {
  const { stored, messages, has, own } = start();
  has('a', '192.0.2.1');
  own('192.0.2.1', { cause: 'takeover', from: 'node-2', silenceMilliseconds: 161 });
  assert.deepEqual([...stored.keys()], ['l2-node-1.web.a']);
  assert.deepEqual(messages, [
    'nodeAssigned: Node node-1 answers for 192.0.2.1 with protocol layer2. Taken over from node-2, which had not been heard for 161 ms.',
  ]);
});

test('after a restart, what still holds is no news, and what does not is taken back', () => {
  const { report, messages, has, own, interfaces } = start(['web/a', 'web/gone', 'web/moved']);
  has('moved', '192.0.2.2');
  has('a', '192.0.2.1');
  own('192.0.2.1');
  report.reconcile();
  assert.deepEqual(interfaces('a'), [{ name: 'eth0' }]);
  assert.deepEqual([interfaces('gone'), interfaces('moved')], [undefined, undefined]);
  assert.deepEqual(messages, []);
});

test('of an address that is spread, the report tells how many shares are here', () => {
  const { stored, shown, messages, has, ownShares } = start();
  has('a', '192.0.2.1');
  ownShares('192.0.2.1', [0, 3, 7]);
  const annotations = () => shown.get('l2-node-1.web.a');
  assert.equal(annotations()?.['gantry.dev/shares'], '192.0.2.1 3/16');
  assert.match(messages[0] ?? '', /answers for 3 of 16 shares of 192\.0\.2\.1 with protocol layer2/);
  ownShares('192.0.2.1', [9], { cause: 'takeover', from: 'node-2', silenceMilliseconds: 150 });
  assert.equal(annotations()?.['gantry.dev/shares'], '192.0.2.1 4/16');
  assert.match(annotations()?.['gantry.dev/why'] ?? '', /^Elected: [^.]*\. Taken over from node-2,[^.]*\.$/);
  assert.deepEqual([...stored.keys()], ['l2-node-1.web.a']);
  assert.equal(messages.length, 1);
  // It lives again, and has shares again: what this node took over before is no reason to take its report back.
  stored.set('l2-node-2.web.a', 'new');
  ownShares('192.0.2.1', [3], { cause: 'failback', from: 'node-2' });
  ownShares('192.0.2.1', [10]);
  assert.ok(stored.has('l2-node-2.web.a'));
});
