// BGP judged by BIRD: a session for each feature, what the routes carry, and the ends that a session may have.
import { test } from 'node:test';
import { startBirdBgp } from '../../lab/bird-bgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { bfdDown, frozenPeer, gracefulRestart, linkCut, plannedStop, tcpReset } from './bgp-endings.ts';
import { wrongPassword } from './bgp-passwords.ts';
import { bfdSession, sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, routeRefresh, undergo } from './bgp-trials.ts';

testInsideLab(import.meta.filename, () => {
  test('BIRD: sessions of each kind, and each of their ends', { timeout: 200_000 }, async () => {
    const all = [...sessions, shortHold, bfdSession];
    await using scene = await startBgpScene(startBirdBgp, all);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      longAttributes(sessionNamed('IPv4'), true),
      routeRefresh(sessionNamed('IPv4')),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      bfdDown(bfdSession),
      gracefulRestart(sessionNamed('graceful restart')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
