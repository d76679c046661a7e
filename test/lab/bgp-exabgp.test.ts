// BGP judged by ExaBGP, which decodes every message anew: sessions of the kinds that it has, and what the routes carry.
import { test } from 'node:test';
import { startExabgp } from '../../lab/exabgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { nextHopFollows } from './bgp-addresses.ts';
import { drained, frozenPeer, linkCut, plannedStop, tcpReset } from './bgp-endings.ts';
import { passwordInSecret, wrongPassword } from './bgp-passwords.ts';
import { bothConnect, sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, undergo } from './bgp-trials.ts';

/** It cannot check the TTL of what comes, and keeps no routes over a session's end. */
const lacking: ReadonlySet<string> = new Set(['GTSM', 'graceful restart']);

testInsideLab(import.meta.filename, () => {
  test('ExaBGP: sessions of each kind that it has', { timeout: 200_000 }, async () => {
    const all = [...sessions.filter(({ name }) => !lacking.has(name)), shortHold, bothConnect];
    await using scene = await startBgpScene(startExabgp, all, ['--bgp-listen', '179']);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      longAttributes(sessionNamed('IPv4'), true),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      passwordInSecret(sessionNamed('MD5'), 'lab-secret', sessionNamed('IPv6')),
      nextHopFollows(sessionNamed('both families'), sessionNamed('IPv4')),
      drained(sessionNamed('IPv4')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
