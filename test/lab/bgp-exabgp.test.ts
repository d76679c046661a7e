// BGP judged by ExaBGP, which decodes every message anew: sessions of the kinds that it has, and what the routes carry.
import { test } from 'node:test';
import { startExabgp } from '../../lab/exabgp.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { frozenPeer, linkCut, plannedStop, tcpReset } from './bgp-endings.ts';
import { wrongPassword } from './bgp-passwords.ts';
import { sessionNamed, sessions, shortHold, startBgpScene } from './bgp-scene.ts';
import { attributes, comesUp, longAttributes, undergo } from './bgp-trials.ts';

/** It cannot check the TTL of what comes, and keeps no routes over a session's end. */
const lacking: ReadonlySet<string> = new Set(['GTSM', 'graceful restart']);

testInsideLab(import.meta.filename, () => {
  test('ExaBGP: sessions of each kind that it has', { timeout: 200_000 }, async () => {
    const all = [...sessions.filter(({ name }) => !lacking.has(name)), shortHold];
    await using scene = await startBgpScene(startExabgp, all);
    await undergo(scene, [
      ...all.map(comesUp),
      attributes(),
      longAttributes(sessionNamed('IPv4'), true),
      frozenPeer(shortHold),
      tcpReset(shortHold),
      linkCut(shortHold),
      wrongPassword(sessionNamed('MD5'), sessionNamed('IPv6')),
      plannedStop(sessionNamed('IPv4')),
    ]);
  });
});
