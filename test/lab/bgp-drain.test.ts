// A node is drained by hand where BGP announces: the command waits until no router has a route by it, and nobody notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bgpAddresses, startBgpScene } from '../../lab/demo/bgp-scene.ts';
import { sum } from '../../lab/demo/figures.ts';
import { startProbing, targetText } from '../../lab/demo/probing.ts';
import { buildNetwork, webPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { createLab } from '../../lab/lab.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';

const withoutFirst = [
  ['192.0.2.12', '192.0.2.13'],
  ['2001:db8:1::12', '2001:db8:1::13'],
];

testInsideLab(import.meta.filename, () => {
  test('gantry drain on the node itself returns when the router has no route by it any more, and no request is lost', async () => {
    await using lab = await createLab();
    const { topology, gantry, frr, web } = await startBgpScene(lab, buildNetwork(lab));
    const [node] = topology.nodes;
    assert.ok(node);
    const hops = (): string[][] => bgpAddresses.map((address) => frr.nextHops(address));
    const count = (): string =>
      hops()
        .map(({ length }) => length)
        .join();
    const drain = (...more: readonly string[]) =>
      node.host.exec(gantryCommand('drain', '--run-dir', gantry.runDirectory(node), ...more), {
        mayFail: true,
      });
    gantry.writeService('shop', 'web', webPorts, web);
    await until('three next hops', () => count() === '3,3', 20_000);

    const probing = startProbing(
      topology.client,
      bgpAddresses.map((address) => targetText('udp', address, 53)),
      2,
    );
    await sleep(500);
    const drained = drain();
    assert.deepEqual(
      [drained.code, drained.stdout],
      [0, 'node1 is drained: 0 addresses handed over\n'],
      drained.stderr,
    );
    // The router has taken the withdrawal a moment after it was sent.
    await until('two next hops', () => count() === '2,2', 1000);
    assert.deepEqual(hops(), withoutFirst);
    assert.equal(frr.isEstablished(node.addresses[0]), true);
    assert.equal(drain('--undo').stdout, 'node1 takes part again\n');
    await until('three next hops again', () => count() === '3,3');

    const reports = await probing.finish();
    assert.ok(sum(reports.map(({ answered }) => answered)) > 500);
    assert.deepEqual(
      reports.map(({ failed }) => failed),
      [0, 0],
    );
  });

  test('while its peers have routes still, the command waits, and says so when it may wait no longer', async () => {
    await using lab = await createLab();
    const { topology, gantry, frr, web } = await startBgpScene(lab, buildNetwork(lab));
    const [node] = topology.nodes;
    assert.ok(node);
    gantry.writeService('shop', 'web', webPorts, web);
    await until('three next hops', () => frr.nextHops(bgpAddresses[0]).length === 3, 20_000);
    const run = (...args: readonly string[]) =>
      node.host.exec(gantryCommand('drain', '--run-dir', gantry.runDirectory(node), ...args), {
        mayFail: true,
      });
    const late = run('--timeout', '0.5');
    assert.equal(late.code, 1);
    // Asked to be left a moment ago, not withdrawn yet.
    assert.match(late.stderr, /node1 still has \d+ routes with BGP peers after 0\.5 s/);
    assert.equal(run().code, 0);
    assert.deepEqual(frr.nextHops(bgpAddresses[0]), withoutFirst[0]);
  });
});
