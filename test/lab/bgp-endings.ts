// The ways in which a session may end, as trials: each is noticed, told in words, and healed.
import assert from 'node:assert/strict';
import { until } from '../../lab/gantry.ts';
import { gantryCommand } from '../../lab/program.ts';
import { type BgpScene, nameOf, type Session } from './bgp-scene.ts';
import type { Trial } from './bgp-trials.ts';

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
    const { topology, node } = scene;
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
    await restartGracefully(scene, session);
    const [report] = JSON.parse(
      await until('the probe ended', () => said.trimEnd().endsWith(']') && said, 20_000),
    ) as [ProbeReport];
    assert.ok(report.answered > 50, `${report.answered} answers`);
    assert.equal(report.failed, 0, `requests that failed on ${node.name}: ${said}`);
  },
});

/** The same for a judge that forwards nothing. */
export const routesKept = (session: Session): Trial => ({
  feature: 'graceful restart',
  async run(scene) {
    await scene.announced(session);
    await restartGracefully(scene, session);
    await scene.announced(session);
  },
});

async function restartGracefully(scene: BgpScene, { neighbour }: Session): Promise<void> {
  const { judge } = scene;
  scene.agent.kill('SIGKILL');
  const isStale = (): boolean => judge.routes(neighbour.address).some((route) => route.isStale);
  await until('stale', isStale, 20_000);
  scene.restartAgent();
  const isFresh = (): boolean =>
    judge.isEstablished(neighbour.address) && judge.routes(neighbour.address).length > 0 && !isStale();
  await until('fresh again', isFresh, 40_000);
}

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

/** A drained node asks to be left, then withdraws, and keeps its sessions; undone, it is back. */
export const drained = (session: Session): Trial => ({
  feature: 'drain',
  async run(scene) {
    const { judge, node, gantry } = scene;
    await scene.announced(session);
    const since = scene.peer(nameOf(session))?.since;
    const drain = (...more: readonly string[]) =>
      node.host.spawn(gantryCommand('drain', '--run-dir', gantry.runDirectory(node), ...more), {
        log: 'drain',
      });
    const asks = (): boolean =>
      judge
        .routes(session.neighbour.address)
        .some(({ communities }) => /graceful-shutdown|65535[:,]/.test(communities ?? ''));
    const seen: string[] = [];
    // The command ends when the peer has let go, so the peer is watched meanwhile.
    const command = drain('--force');
    await until('withdrawn', () => {
      if (asks()) seen.push('asked to be left');
      return judge.routes(session.neighbour.address).length === 0;
    });
    assert.equal(seen[0], 'asked to be left');
    await until('the command has ended', () => command.exitCode !== null);
    assert.equal(command.exitCode, 0);
    drain('--undo');
    await scene.announced(session);
    assert.ok(!asks());
    assert.equal(scene.peer(nameOf(session))?.since, since);
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
