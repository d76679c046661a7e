// BGP judged by GoBGP: a session for each feature that it has, and what the routes carry.
import { test } from 'node:test';
import { startGobgp } from '../../lab/gobgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { nextHopFollows } from './bgp-addresses.ts';
import { drained, frozenPeer, linkCut, plannedStop, routesKept, tcpReset } from './bgp-endings.ts';
import { passwordInSecret, wrongPassword } from './bgp-passwords.ts';
import { bothConnect, sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, undergo, weighed } from './bgp-trials.ts';

testInsideLab(import.meta.filename, () => {
  test('GoBGP: sessions of each kind that it has', { timeout: 200_000 }, async () => {
    const all = [...sessions, shortHold, bothConnect];
    await using scene = await startBgpScene(startGobgp, all, ['--bgp-listen', '179']);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      weighed(sessionNamed('IPv4')),
      longAttributes(sessionNamed('IPv4'), false),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      passwordInSecret(sessionNamed('MD5'), 'lab-secret', sessionNamed('IPv6')),
      nextHopFollows(sessionNamed('both families'), sessionNamed('IPv4')),
      drained(sessionNamed('IPv4')),
      routesKept(sessionNamed('graceful restart')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
