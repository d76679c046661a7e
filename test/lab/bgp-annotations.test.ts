// What annotations of a BGPPeer ask for, judged by FRR and BIRD: peers that are known by a range alone, and roles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Neighbour } from '../../lab/bgp-judge.ts';
import { startBirdBgp } from '../../lab/bird-bgp.ts';
import { startFrrBgp } from '../../lab/frr-bgp.ts';
import { until } from '../../lab/gantry.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { peerManifest, prefixes, routerAsn, type Session, startBgpScene } from './bgp-scene.ts';

const neighbour = (number: number, more: Partial<Neighbour>): Neighbour => ({
  address: `192.0.2.${number}`,
  asn: 64500,
  families: ['IPv4'],
  ...more,
});

/** The judge connects from 192.0.2.254. */
const ranged: Session = {
  name: 'range',
  neighbour: neighbour(45, { connects: true, password: 'lab-secret' }),
  prefixes: [prefixes.IPv4],
  spec: { myASN: 64500, peerASN: routerAsn, peerAddress: '192.0.2.250', password: 'lab-secret' },
};
const withRole: Session = {
  name: 'role',
  neighbour: neighbour(46, { local: '203.0.113.254', isMultihop: true, role: 'customer' }),
  prefixes: [prefixes.IPv4],
  spec: {
    myASN: 64500,
    peerASN: routerAsn,
    peerAddress: '203.0.113.254',
    sourceAddress: '192.0.2.46',
    ebgpMultiHop: true,
    connectTime: '1s',
  },
};

const annotated = (session: Session, annotations: Readonly<Record<string, string>>) => {
  const manifest = peerManifest(session);
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
};

testInsideLab(import.meta.filename, () => {
  for (const [name, start] of Object.entries({ FRR: startFrrBgp, BIRD: startBirdBgp }))
    test(`${name}: a signed peer of a range, and roles`, { timeout: 120_000 }, async () => {
      await using scene = await startBgpScene(start, [ranged, withRole], ['--bgp-listen', '179']);
      const { gantry, judge, peer, report } = scene;
      const range = {
        'gantry.dev/peer-range': '192.0.2.248/29',
        'gantry.dev/passive': 'true',
      };
      gantry.write('range', annotated(ranged, range));
      gantry.write(
        'role',
        annotated(withRole, { 'gantry.dev/role': 'provider', 'gantry.dev/role-strict': 'true' }),
      );

      const isThere = () => peer('range/192.0.2.254')?.told === true && scene.hasRoutes(ranged);
      await until('the judge is a peer of the range', isThere, 40_000);
      assert.equal(peer('range')?.state, 'active');
      await scene.announced(withRole);
      assert.ok(peer('role')?.peerCapabilities.includes('role'));

      gantry.write('range', annotated(ranged, { ...range, 'gantry.dev/peer-range': '192.0.2.248/30' }));
      await until('let go with the range', () => !judge.isEstablished(ranged.neighbour.address));
      await until('forgotten', () => report()?.bgp?.peers.every(({ name }) => name !== 'range/192.0.2.254'));
      gantry.write('range', annotated(ranged, range));
      await until('let in again', isThere, 40_000);

      gantry.write('role', annotated(withRole, { 'gantry.dev/role': 'peer' }));
      await until('the roles do not fit', () => /role/.test(peer('role')?.lastError ?? ''), 20_000);
      gantry.write('role', annotated(withRole, { 'gantry.dev/role': 'provider' }));
      await scene.announced(withRole);
    });
});
