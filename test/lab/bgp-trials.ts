// What every judge of BGP is put through: each trial leaves the scene as it found it, and says what was seen to work.
import assert from 'node:assert/strict';
import { webPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { gantryCommand } from '../../lab/program.ts';
import {
  advertisementManifest,
  type BgpScene,
  nameOf,
  peerManifest,
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

/** A peer that stands still is left after the hold time, and met again. */
export const frozenPeer = (session: Session): Trial => ({
  feature: 'hold time, frozen peer',
  async run(scene) {
    await scene.announced(session);
    scene.judge.process.kill('SIGSTOP');
    try {
      await until('given up', () => scene.peer(nameOf(session))?.state !== 'established', 20_000);
      assert.match(scene.peer(nameOf(session))?.lastError ?? '', /hold timer expired|gone/);
    } finally {
      scene.judge.process.kill('SIGCONT');
    }
    await scene.announced(session);
  },
});

export const linkCut = (session: Session): Trial => ({
  feature: 'link cut',
  async run(scene) {
    await scene.announced(session);
    const cable = scene.node.host.cables.get('eth0');
    assert.ok(cable);
    {
      using _cut = cable.segment.cut({});
      await until('given up', () => scene.peer(nameOf(session))?.state !== 'established', 20_000);
    }
    await scene.announced(session);
  },
});

export const tcpReset = (session: Session): Trial => ({
  feature: 'TCP reset',
  async run(scene) {
    await scene.announced(session);
    const { host } = scene.node;
    const before = scene.peer(nameOf(session))?.since;
    const rule = `ip saddr ${session.neighbour.address} tcp dport 179 reject with tcp reset`;
    const chain = `chain output {\ntype filter hook output priority 0\n${rule}\n}`;
    host.exec(['nft', `table inet trial {\n${chain}\n}`]);
    try {
      await until('reset', () => scene.peer(nameOf(session))?.since !== before, 40_000);
    } finally {
      host.exec(['nft', 'delete table inet trial']);
    }
    await scene.announced(session);
  },
});

/** The agent is killed and started anew: what goes through the router goes on, and the routes are not stale for long. */
export const gracefulRestart = (session: Session): Trial => ({
  feature: 'graceful restart under traffic',
  async run(scene) {
    const { judge, topology, node } = scene;
    await scene.announced(session);
    await until('a client is answered', () => ask(scene) === 'web-1', 20_000);
    const probe = topology.client.spawn(
      gantryCommand('lab', 'probe', 'tcp:198.18.200.1:80', '--duration', '6000', '--interval', '20'),
      { pipe: true, log: 'probe' },
    );
    let said = '';
    probe.stdout?.on('data', (piece) => {
      said += String(piece);
    });
    scene.agent.kill('SIGKILL');
    await until(
      'stale',
      () => judge.routes(session.neighbour.address).some(({ isStale }) => isStale),
      20_000,
    );
    scene.restartAgent();
    await until(
      'fresh again',
      () => {
        const routes = judge.routes(session.neighbour.address);
        return (
          judge.isEstablished(session.neighbour.address) &&
          routes.length > 0 &&
          !routes.some(({ isStale }) => isStale)
        );
      },
      40_000,
    );
    const [report] = JSON.parse(
      await until('the probe ended', () => said.trimEnd().endsWith(']') && said, 20_000),
    ) as [ProbeReport];
    assert.ok(report.answered > 50, `${report.answered} answers`);
    assert.equal(report.failed, 0, `requests that failed on ${node.name}: ${said}`);
  },
});

interface ProbeReport {
  readonly answered: number;
  readonly failed: number;
}

/** One request from the client behind the router. */
function ask({ topology }: BgpScene): string | undefined {
  const probe = gantryCommand('lab', 'probe', 'tcp:198.18.200.1:80', '--duration', '150', '--interval', '50');
  const [report] = JSON.parse(topology.client.exec(probe).stdout) as [{ answeredBy: Record<string, number> }];
  return Object.keys(report.answeredBy)[0];
}

/** A planned stop asks for the traffic to be moved before it says farewell. */
export const plannedStop = (session: Session): Trial => ({
  feature: 'planned stop',
  async run(scene) {
    const { judge } = scene;
    await scene.announced(session);
    scene.agent.kill('SIGTERM');
    await until('asked to be left', () =>
      judge
        .routes(session.neighbour.address)
        .some(({ communities }) => /graceful-shutdown|65535[:,]/.test(communities ?? '')),
    );
    await until('gone', () => !judge.isEstablished(session.neighbour.address));
    scene.restartAgent();
    await scene.announced(session);
  },
});

/** BFD sees what TCP would not for the hold time. */
export const bfdDown = (session: Session): Trial => ({
  feature: 'BFD down',
  async run(scene) {
    await scene.announced(session);
    await until('BFD is up', () => scene.peer(nameOf(session))?.bfd === 'up', 20_000);
    const cable = scene.node.host.cables.get('eth0');
    assert.ok(cable);
    {
      using _cut = cable.segment.cut({});
      // The hold time is 90 seconds.
      await until('down at once', () => scene.peer(nameOf(session))?.state !== 'established', 20_000);
      assert.match(scene.peer(nameOf(session))?.lastError ?? '', /BFD down|refuses|answer|route/);
    }
    await scene.announced(session);
  },
});

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
