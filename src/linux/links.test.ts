// Links and addresses as rtnetlink tells them, listed and followed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { formatAddress } from '../model/address.ts';
import { type Link, listLinks, watchLinks } from './links.ts';

const named = (links: readonly Link[], name: string): Link => {
  const found = links.find((link) => link.name === name);
  assert.ok(found, `no link ${name}`);
  return found;
};

const addressesOf = (link: Link): string[] =>
  link.addresses.map(
    ({ address, prefixLength, scope }) => `${formatAddress(address)}/${prefixLength} ${scope}`,
  );

interface Follower extends Disposable {
  calls: number;
  /** Resolves once the links are so. */
  until(holds: (links: readonly Link[]) => boolean): Promise<void>;
}

function follow(): Follower {
  let latest: readonly Link[] = [];
  let check = (): void => {};
  const follower: Follower = {
    calls: 0,
    until: (holds) =>
      new Promise((resolve) => {
        check = () => {
          if (holds(latest)) resolve();
        };
        check();
      }),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
  const watch = watchLinks((links) => {
    latest = links;
    follower.calls++;
    check();
  });
  return follower;
}

testInsideLab(import.meta.filename, () => {
  test('a link is told with its kind, master, state and addresses', async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const node = lab.host('node');
    lab.connect(node, 'eth0', lan, ['192.0.2.11/24', '2001:db8:1::11/64']);
    const links = node.inside(listLinks);
    const eth0 = named(links, 'eth0');
    assert.equal(eth0.kind, 'veth');
    assert.equal(eth0.mac.length, 6);
    assert.equal(eth0.masterIndex, undefined);
    assert.deepEqual([eth0.up, eth0.running, eth0.loopback, eth0.noArp], [true, true, false, false]);
    assert.deepEqual(addressesOf(eth0).slice(0, 2), ['192.0.2.11/24 global', '2001:db8:1::11/64 global']);
    assert.match(addressesOf(eth0)[2] ?? '', /^fe80::.*\/64 link$/);
    const lo = named(links, 'lo');
    assert.deepEqual([lo.loopback, lo.mac.length], [true, 6]);
    assert.deepEqual(addressesOf(lo), ['127.0.0.1/8 host', '::1/128 host']);
    const ports = lan.host.inside(listLinks);
    assert.equal(named(ports, 'node-eth0').masterIndex, named(ports, 'br0').index);
    assert.equal(named(ports, 'br0').kind, 'bridge');
  });

  test('an address under duplicate address detection is tentative', async () => {
    await using lab = await createLab();
    const node = lab.host('node');
    lab.connect(node, 'eth0', lab.segment('lan'));
    node.sysctl('ipv6/conf/eth0/accept_dad', 1);
    node.ip('address add 2001:db8:1::11/64 dev eth0');
    const tentative = (): boolean[] =>
      named(node.inside(listLinks), 'eth0')
        .addresses.filter(({ scope }) => scope === 'global')
        .map((each) => each.tentative);
    assert.deepEqual(tentative(), [true]);
    node.ip('address del 2001:db8:1::11/64 dev eth0', 'address add 2001:db8:1::11/64 dev eth0 nodad');
    assert.deepEqual(tentative(), [false]);
  });

  test('every change of links and addresses is followed', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const node = lab.host('node');
    const cable = lab.connect(node, 'eth0', lab.segment('lan'));
    using links = node.inside(follow);
    await links.until((now) => named(now, 'eth0').running);
    cable.unplug();
    await links.until((now) => named(now, 'eth0').up && !named(now, 'eth0').running);
    cable.plug();
    await links.until((now) => named(now, 'eth0').running);
    node.ip('link set eth0 down');
    await links.until((now) => !named(now, 'eth0').up);
    node.ip('address add 192.0.2.11/24 dev eth0');
    await links.until((now) => addressesOf(named(now, 'eth0')).includes('192.0.2.11/24 global'));
    node.ip('link del eth0');
    await links.until((now) => now.length === 1);
  });

  test('a burst of changes is told a few times, not once a change', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const node = lab.host('node');
    lab.connect(node, 'eth0', lab.segment('lan'));
    using links = node.inside(follow);
    const before = links.calls;
    node.ip(...Array.from({ length: 200 }, (_, index) => `address add 198.18.0.${index + 1}/32 dev eth0`));
    await links.until((now) => named(now, 'eth0').addresses.length >= 200);
    assert.ok(links.calls - before < 20, `${links.calls - before} calls`);
  });
});
