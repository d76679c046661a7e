// Passwords of sessions, as trials: a wrong one is told in words, and one in a Secret is followed while all goes on.
import assert from 'node:assert/strict';
import { until } from '../../lab/gantry.ts';
import type { Manifest } from '../../lab/manifests.ts';
import { nameOf, peerManifest, type Session } from './bgp-scene.ts';
import type { Trial } from './bgp-trials.ts';

/** Another password leaves the session of everyone else alone, and is told in words. */
export const wrongPassword = (session: Session, bystander: Session): Trial => ({
  feature: 'wrong password told',
  async run(scene) {
    await scene.announced(session, bystander);
    const since = scene.peer(nameOf(bystander))?.since;
    const wrong = peerManifest({ ...session, spec: { ...session.spec, password: 'not the one' } });
    scene.gantry.write(nameOf(session), wrong);
    await until(
      'no session',
      () => {
        const peer = scene.peer(nameOf(session));
        return peer?.state !== 'established' && /password|answers/.test(peer?.lastError ?? '');
      },
      20_000,
    );
    scene.gantry.write(nameOf(session), peerManifest(session));
    await scene.announced(session);
    assert.equal(scene.peer(nameOf(bystander))?.since, since);
  },
});

const secretManifest = (type: string, data: Readonly<Record<string, string>>): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'lab-key' },
  type,
  stringData: data,
});

/** The session follows its Secret: none, a wrong one, the right one; nobody else's does, and no file or log has it. */
export const passwordInSecret = (session: Session, password: string, bystander: Session): Trial => ({
  feature: 'password in a Secret',
  async run(scene) {
    const { gantry } = scene;
    const name = nameOf(session);
    await scene.announced(session, bystander);
    const since = scene.peer(nameOf(bystander))?.since;
    const { password: _, ...spec } = session.spec;
    gantry.write(name, peerManifest({ ...session, spec: { ...spec, passwordSecret: { name: 'lab-key' } } }));
    const isUnused = (kind: string) => () =>
      scene.report()?.bgp?.unused.find(({ peer }) => peer === name)?.kind === kind;
    await until('the Secret is missed', isUnused('secret-missing'), 20_000);
    gantry.write('lab-key', secretManifest('Opaque', { password }));
    await until('its type is told', isUnused('secret-of-other-type'), 20_000);
    gantry.write('lab-key', secretManifest('kubernetes.io/basic-auth', { username: 'x' }));
    await until('its key is missed', isUnused('secret-without-password'), 20_000);
    gantry.write('lab-key', secretManifest('kubernetes.io/basic-auth', { password: 'not-the-one' }));
    await until('no session', () => /password/.test(scene.peer(name)?.lastError ?? ''), 30_000);
    gantry.write('lab-key', secretManifest('kubernetes.io/basic-auth', { password }));
    await scene.announced(session);
    assert.equal(scene.peer(nameOf(bystander))?.since, since);
    const told = JSON.stringify(scene.report()) + scene.log('node1-agent');
    assert.ok(!told.includes(password) && !told.includes('not-the-one'), 'no password is told');
    gantry.write(name, peerManifest(session));
    await scene.announced(session);
    gantry.remove('lab-key');
  },
});
