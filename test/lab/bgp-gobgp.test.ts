// BGP judged by GoBGP: a session for each feature that it has, and what the routes carry.
import { test } from 'node:test';
import { startGobgp } from '../../lab/gobgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { frozenPeer, linkCut, plannedStop, routesKept, tcpReset } from './bgp-endings.ts';
import { wrongPassword } from './bgp-passwords.ts';
import { sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, undergo } from './bgp-trials.ts';

testInsideLab(import.meta.filename, () => {
  test('GoBGP: sessions of each kind that it has', { timeout: 200_000 }, async () => {
    const all = [...sessions, shortHold];
    await using scene = await startBgpScene(startGobgp, all);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      longAttributes(sessionNamed('IPv4'), false),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      routesKept(sessionNamed('graceful restart')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
