// An unnumbered BGP peer, judged by FRR: no address is configured on the link, and IPv4 goes by link-local next hops.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { webPorts } from '../../lab/demo/scene.ts';
import { startFrrBgp } from '../../lab/frr-bgp.ts';
import { createLabGantry, until } from '../../lab/gantry.ts';
import { createLab } from '../../lab/lab.ts';
import { poolManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addPod, standardTopology } from '../../lab/topology.ts';
import type { NodeReport } from '../../src/api/node-report.ts';
import { listLinks } from '../../src/linux/links.ts';
import { formatAddress } from '../../src/model/address.ts';
import { advertisementManifest, fastBfd, peerManifest, prefixes } from './bgp-scene.ts';

testInsideLab(import.meta.filename, () => {
  for (const listens of [false, true])
    test(`FRR: unnumbered, ${listens ? 'both connect' : 'this side connects'}`, {
      timeout: 120_000,
    }, async () => {
      await using lab = await createLab();
      const topology = standardTopology(lab, 1);
      const { router, client } = topology;
      const [node] = topology.nodes;
      assert.ok(node);
      const link = lab.segment('link');
      const cable = lab.connect(node.host, 'eth1', link);
      lab.connect(router, 'eth9', link);
      const pod = addPod(lab, node, 1, 'web-1');
      const responder = pod.host.spawn(gantryCommand('lab', 'responder', 'web-1', '8080', '8081'), {
        pipe: true,
      });
      if (responder.stdout !== null) await once(responder.stdout, 'data');
      const gantry = createLabGantry(lab, topology);
      gantry.write(
        'pool',
        poolManifest('far', ['198.18.200.0/29', '2001:db8:f::/124'], { avoidBuggyIPs: true }),
      );
      gantry.write('advertisement', advertisementManifest());
      gantry.write('profile', fastBfd);
      const spec = {
        myASN: 64500,
        dynamicASN: 'external',
        interface: 'eth1',
        connectTime: '1s',
        bfdProfile: 'fast',
      };
      gantry.write('peer', peerManifest({ name: 'tor', spec }));
      gantry.writeService('shop', 'web', webPorts, [pod]);
      gantry.startController();
      gantry.startNode(node, [], listens ? ['--bgp-listen', '179'] : []);
      const report = () =>
        (gantry.status(`nodereports/${node.name}.json`) as { status: NodeReport } | undefined)?.status.bgp;

      await until('the node says what it waits for', () => report()?.unused[0]?.kind === 'neighbour-unknown');
      const neighbour = {
        address: 'eth9',
        isUnnumbered: true,
        asn: 64500,
        families: ['IPv4', 'IPv6'],
        bfd: true,
      } as const;
      const judge = await startFrrBgp(lab, router, 64501, [neighbour]);
      const linkLocal = (host: typeof router, name: string): string => {
        const addresses = host.inside(listLinks).find((link) => link.name === name)?.addresses ?? [];
        const own = addresses.find(({ scope }) => scope === 'link');
        return own === undefined ? assert.fail(name) : formatAddress(own.address);
      };
      const announced = () =>
        until(
          'FRR forwards both families by the link',
          () =>
            Object.values(prefixes).every(
              (prefix) => judge.nextHops(prefix).join() === linkLocal(node.host, 'eth1'),
            ),
          40_000,
        );
      await announced();
      assert.ok(judge.isEstablished('eth9'));
      const peer = () => report()?.peers[0];
      await until('told', () => peer()?.told === true && peer()?.bfd === 'up', 20_000);
      assert.equal(peer()?.address, `${linkLocal(router, 'eth9')}%eth1`);
      for (const target of ['tcp:198.18.200.1:80', 'tcp:[2001:db8:f::]:80']) {
        const probe = gantryCommand('lab', 'probe', target, '--duration', '150', '--interval', '50');
        const [told] = JSON.parse(client.exec(probe).stdout) as [{ answeredBy: Record<string, number> }];
        assert.deepEqual(Object.keys(told.answeredBy), ['web-1'], target);
      }
      {
        using _cut = cable.segment.cut({});
        await until('gone by BFD', () => peer()?.state !== 'established', 20_000);
      }
      await announced();
    });
});
