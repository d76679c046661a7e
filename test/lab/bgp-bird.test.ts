// BGP judged by BIRD: a session for each feature, what the routes carry, and the ends that a session may have.
import { test } from 'node:test';
import { startBirdBgp } from '../../lab/bird-bgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { nextHopFollows, unusedDropped } from './bgp-addresses.ts';
import {
  bfdDown,
  drained,
  frozenPeer,
  gracefulRestart,
  linkCut,
  plannedStop,
  tcpReset,
} from './bgp-endings.ts';
import { passwordInSecret, wrongPassword } from './bgp-passwords.ts';
import { bfdSession, bothConnect, sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, routeRefresh, undergo, weighed } from './bgp-trials.ts';

testInsideLab(import.meta.filename, () => {
  test('BIRD: sessions of each kind, and each of their ends', { timeout: 200_000 }, async () => {
    const all = [...sessions, shortHold, bfdSession, bothConnect];
    await using scene = await startBgpScene(startBirdBgp, all, ['--bgp-listen', '179']);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      weighed(sessionNamed('IPv4')),
      longAttributes(sessionNamed('IPv4'), true),
      routeRefresh(sessionNamed('IPv4')),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      passwordInSecret(sessionNamed('MD5'), 'lab-secret', sessionNamed('IPv6')),
      unusedDropped(sessionNamed('IPv4')),
      nextHopFollows(sessionNamed('both families'), sessionNamed('IPv4')),
      drained(sessionNamed('IPv4')),
      bfdDown(bfdSession),
      gracefulRestart(sessionNamed('graceful restart')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
