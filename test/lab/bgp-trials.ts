// What every judge of BGP is put through: each trial leaves the scene as it found it, and says what was seen to work.
import assert from 'node:assert/strict';
import { webPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { gantryCommand } from '../../lab/program.ts';
import {
  advertisementManifest,
  type BgpScene,
  nameOf,
  routerAsn,
  type Session,
  sessionNamed,
} from './bgp-scene.ts';

export interface Trial {
  readonly feature: string;
  run(scene: BgpScene): Promise<void>;
}

/** The session comes up, and brings its routes, with the next hop of its own address. */
export const comesUp = (session: Session): Trial => ({
  feature: session.name,
  async run(scene) {
    await scene.announced(session);
    const [first] = scene.judge.routes(session.neighbour.address);
    assert.equal(first?.nextHop, session.neighbour.address);
    const path = session.neighbour.asn === routerAsn ? '' : String(session.neighbour.asn);
    assert.equal(first?.asPath.trim(), path);
  },
});

/** Communities of three kinds, local preference, aggregation: changed while up, told without a reset. */
export const attributes = (): Trial => ({
  feature: 'attributes changed live',
  async run({ gantry, judge, announced, pod, peer }) {
    const [external, internal] = [sessionNamed('IPv4'), sessionNamed('iBGP')];
    await announced(external, internal);
    const opens = peer(nameOf(external))?.since;
    const spec = { localPref: 321, communities: ['64500:7', 'large:64500:1:2'] };
    gantry.write('advertisement', advertisementManifest(spec));
    const first = await until(`${judge.name} sees the communities`, () => {
      const [route] = judge.routes(external.neighbour.address);
      return route?.communities?.includes('64500:7') && route;
    });
    assert.match(first.communities ?? '', /64500:1:2|64500, 1, 2/);
    await until('the local preference inside the AS', () => {
      const [route] = judge.routes(internal.neighbour.address);
      return route?.localPreference === 321;
    });
    gantry.writeService('shop', 'web', webPorts, [pod], { externalTrafficPolicy: 'Local' });
    gantry.write('advertisement', advertisementManifest({ aggregationLength: 29, aggregationLengthV6: 124 }));
    const has = (...wanted: readonly string[]): boolean =>
      judge
        .routes(external.neighbour.address)
        .map(({ prefix }) => prefix)
        .join() === wanted.join();
    await until(`${judge.name} has the aggregate instead`, () => has('198.18.200.0/29'));
    gantry.writeService('shop', 'web', webPorts, []);
    await until(`${judge.name} has nothing without endpoints`, () => has());
    gantry.writeService('shop', 'web', webPorts, [pod]);
    gantry.write('advertisement', advertisementManifest());
    await announced(external, internal);
    assert.equal(peer(nameOf(external))?.since, opens, 'the session was not touched');
  },
});

/** With `Local` a route weighs as many endpoints as the node has: 125,000 bytes a second each. */
export const weighed = (session: Session): Trial => ({
  feature: 'weight by endpoints',
  async run({ gantry, judge, announced, pod }) {
    await announced(session);
    gantry.writeService('shop', 'web', webPorts, [pod], { externalTrafficPolicy: 'Local' });
    await until('a bandwidth', () =>
      judge.routes(session.neighbour.address)[0]?.communities?.includes(`LB:${session.neighbour.asn}:125000`),
    );
    gantry.writeService('shop', 'web', webPorts, [pod]);
    await until('none', () => !judge.routes(session.neighbour.address)[0]?.communities?.includes('LB:'));
    await announced(session);
  },
});

/** Attributes that fit no message of 4096 bytes (RFC 8654): sent to whom takes longer ones, and from others withdrawn. */
export const longAttributes = (session: Session, takesLong: boolean): Trial => ({
  feature: takesLong ? 'extended messages' : 'withdrawn where messages would be too long',
  async run({ gantry, judge, announced, peer }) {
    await announced(session);
    const told = peer(nameOf(session))?.peerCapabilities.includes('extended-message');
    assert.equal(told, takesLong);
    const communities = Array.from({ length: 1100 }, (_, index) => `64500:${index}`);
    const long = advertisementManifest({ communities, peers: [nameOf(session)] }, 'long');
    gantry.write('long', long);
    await until(takesLong ? 'a long message' : 'withdrawn', () => {
      const [route] = judge.routes(session.neighbour.address);
      // BIRD shows the first of many.
      return takesLong ? route?.communities?.includes('64500:9') : route === undefined;
    });
    gantry.remove('long');
    await announced(session);
  },
});

export const routeRefresh = (session: Session): Trial => ({
  feature: 'route refresh',
  async run(scene) {
    const { judge } = scene;
    await scene.announced(session);
    assert.ok(judge.refresh, `${judge.name} can ask for a refresh`);
    judge.refresh(session.neighbour.address);
    await until('the request came', () =>
      new RegExp(
        `bgp-refresh-asked.*"peer":"${nameOf(session)}"|"peer":"${nameOf(session)}".*bgp-refresh-asked`,
      ).test(scene.log('node1-agent')),
    );
    await scene.announced(session);
  },
});

/** `gantry bgp`, `status` and `why` say what the judge says. */
export const commandsTell = (session: Session): Trial => ({
  feature: 'commands',
  async run(scene) {
    await scene.announced(session);
    const { topology, gantry } = scene;
    const run = (...words: readonly string[]) => {
      const argv = gantryCommand(...words, '--folder', gantry.folder, '-o', 'json');
      const { code, stdout } = topology.neighbour.exec(argv, { mayFail: true });
      return { code, told: JSON.parse(stdout) as Record<string, unknown> };
    };
    await until('all peers are well', () => run('bgp', 'peers').code === 0, 40_000);
    const { told } = run('bgp', 'routes');
    assert.match(JSON.stringify(told), /"prefix":"198\.18\.200\.1\/32"/);
    assert.equal(run('bgp', 'why', '198.18.200.1').code, 0);
    assert.equal(run('bgp', 'why', '198.18.200.7').code, 1);
    assert.equal(run('status').told['ok'], true);
    assert.deepEqual(run('why', 'shop/web').told['owners'], ['node1']);
  },
});

/** Runs the trials one after the other, and prints the judge's row of the matrix in docs/bgp.md. */
export async function undergo(scene: BgpScene, trials: readonly Trial[]): Promise<void> {
  const passed: string[] = [];
  for (const trial of trials) {
    const began = performance.now();
    try {
      await trial.run(scene);
    } catch (error) {
      const state = JSON.stringify(
        scene.report()?.bgp?.peers.map(({ name, state, lastError }) => [name, state, lastError]),
      );
      throw new Error(`${trial.feature}: ${state}\n${scene.log('node1-agent').slice(-3000)}`, {
        cause: error,
      });
    }
    passed.push(`${trial.feature} ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  process.stdout.write(`${scene.judge.name}: ${passed.join(', ')}\n`);
}
