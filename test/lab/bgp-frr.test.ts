// BGP judged by FRR: a session for each feature, what the routes carry, and every way in which a session may end.
import { test } from 'node:test';
import { startFrrBgp } from '../../lab/frr-bgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { bfdSession, sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import {
  attributes,
  bfdDown,
  comesUp,
  frozenPeer,
  gracefulRestart,
  linkCut,
  plannedStop,
  routeRefresh,
  tcpReset,
  undergo,
  wrongPassword,
} from './bgp-trials.ts';

testInsideLab(import.meta.filename, () => {
  test('FRR: sessions of each kind, and each of their ends', { timeout: 200_000 }, async () => {
    const all = [...sessions, shortHold, bfdSession];
    await using scene = await startBgpScene(startFrrBgp, all);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      routeRefresh(sessionNamed('IPv4')),
      tcpReset(shortHold),
      frozenPeer(shortHold),
      linkCut(shortHold),
      bfdDown(bfdSession),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      gracefulRestart(sessionNamed('graceful restart')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
