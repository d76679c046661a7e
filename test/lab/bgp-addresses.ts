// What routes lead to, as trials: an aggregate's unused addresses, and next hops that change under a session.
import assert from 'node:assert/strict';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { gantryCommand } from '../../lab/program.ts';
import { advertisementManifest, nameOf, prefixes, type Session } from './bgp-scene.ts';
import type { Trial } from './bgp-trials.ts';

const used = '198.18.200.1';
const unused = '198.18.200.6';

/** Packets for what an aggregate covers and no Service has end at the node; what a Service has is served as ever. */
export const unusedDropped = (session: Session): Trial => ({
  feature: 'unused addresses of an aggregate dropped',
  async run(scene) {
    const { gantry, judge, topology, node } = scene;
    await scene.announced(session);
    const table = (): string => node.host.exec(['nft', 'list', 'tables']).stdout;
    const loops = (): boolean =>
      /Time to live exceeded/.test(
        topology.client.exec(['ping', '-c', '2', '-W', '1', unused], { mayFail: true }).stdout,
      );
    gantry.write('advertisement', advertisementManifest({ aggregationLength: 29, aggregationLengthV6: 124 }));
    await until('the aggregate', () =>
      judge.routes(session.neighbour.address).some(({ prefix }) => prefix === '198.18.200.0/29'),
    );
    await until('the table', () => table().includes('inet gantry-discard'));
    await until('no loop', () => !loops(), 20_000);
    await until('a client is served', () => isServed(topology.client), 20_000);
    await until('the node itself is', () => isServed(node.host), 20_000);
    node.host.exec(['nft', 'delete table inet gantry-discard']);
    await until('without the table there is a loop', loops, 20_000);
    scene.agent.kill('SIGKILL');
    scene.restartAgent();
    await until('a new agent makes it again', () => table().includes('inet gantry-discard'), 20_000);
    await until('no loop again', () => !loops(), 20_000);
    gantry.write('advertisement', advertisementManifest());
    await scene.announced(session);
    await until('the table is gone', () => !table().includes('inet gantry-discard'), 20_000);
  },
});

const isServed = (host: Host): boolean => {
  const argv = gantryCommand('lab', 'probe', `tcp:${used}:80`, '--duration', '300', '--interval', '50');
  const { stdout } = host.exec(argv, { mayFail: true });
  const [report] = JSON.parse(stdout) as [{ readonly answered: number }?];
  return (report?.answered ?? 0) > 0;
};

/** An address of the node that goes is told anew while the session stays; without its own the session ends, and heals. */
export const nextHopFollows = (both: Session, own: Session): Trial => ({
  feature: 'next hop changed live',
  async run(scene) {
    const { judge, node } = scene;
    await scene.announced(both, own);
    const since = scene.peer(nameOf(both))?.since;
    const hop = (): string | undefined =>
      judge.routes(both.neighbour.address).find(({ prefix }) => prefix === prefixes.IPv6)?.nextHop;
    const first = hop();
    assert.ok(first);
    node.host.ip(`address del ${first}/64 dev eth0`);
    await until('another next hop', () => hop() !== undefined && hop() !== first, 20_000);
    node.host.ip(`address add ${first}/64 dev eth0 nodad`);
    assert.equal(scene.peer(nameOf(both))?.since, since, 'the session was not touched');
    const { address } = own.neighbour;
    node.host.ip(`address del ${address}/24 dev eth0`);
    await until(
      'the missing address is told',
      () => /does not have the source address/.test(scene.peer(nameOf(own))?.lastError ?? ''),
      20_000,
    );
    node.host.ip(`address add ${address}/24 dev eth0`);
    await scene.announced(both, own);
  },
});
