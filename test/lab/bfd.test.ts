// BFD judged by FRR's bfdd and by BIRD: sessions of each kind come up, and go down for each reason in time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RouterBfd, startBird, startFrr } from '../../lab/bfd-routers.ts';
import { type BfdSpeaker, singleHop, startBfdSpeaker } from '../../lab/bfd-speaker.ts';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import type { Segment } from '../../lab/segment.ts';
import { diagnostic } from '../../src/announce/bfd/diagnostic.ts';
import { listLinks } from '../../src/linux/links.ts';
import { formatAddress } from '../../src/model/address.ts';
import type { LinkBfdSession } from '../../src/pulse/bfd-link.ts';

interface Scene extends AsyncDisposable {
  readonly lab: Lab;
  readonly lan: Segment;
  readonly node: Host;
  readonly router: Host;
  /** Behind the router, so that packets from there have passed a hop. */
  readonly far: Host;
  readonly speaker: BfdSpeaker;
}

const ours = { v4: '192.0.2.11', v6: '2001:db8:1::11' };
const theirs = { v4: '192.0.2.254', v6: '2001:db8:1::fe' };
const farOnes = { v4: '198.51.100.2', v6: '2001:db8:2::2' };

async function scene(): Promise<Scene> {
  const lab = await createLab();
  const [lan, wan] = [lab.segment('lan'), lab.segment('wan')];
  const [node, router, far] = [lab.host('node1'), lab.host('router'), lab.host('far')];
  lab.connect(node, 'eth0', lan, [`${ours.v4}/24`, `${ours.v6}/64`]);
  lab.connect(router, 'eth0', lan, [`${theirs.v4}/24`, `${theirs.v6}/64`]);
  lab.connect(router, 'eth1', wan, ['198.51.100.1/24', '2001:db8:2::1/64']);
  lab.connect(far, 'eth0', wan, [`${farOnes.v4}/24`, `${farOnes.v6}/64`]);
  router.sysctl('ipv4/ip_forward', 1);
  router.sysctl('ipv6/conf/all/forwarding', 1);
  node.ip('route add default via 192.0.2.254', 'route add ::/0 via 2001:db8:1::fe');
  far.ip('route add default via 198.51.100.1', 'route add ::/0 via 2001:db8:2::1');
  const speaker = startBfdSpeaker(lab, node);
  return {
    lab,
    lan,
    node,
    router,
    far,
    speaker,
    async [Symbol.asyncDispose]() {
      speaker[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

const linkLocalOf = (host: Host): string => {
  const link = host.inside(() => listLinks().find(({ name }) => name === 'eth0'));
  const own = link?.addresses.find(({ scope }) => scope === 'link');
  assert.ok(own);
  return formatAddress(own.address);
};

const multihop = (peer: string, local: string, minimumTtl = 250): LinkBfdSession => {
  const session = singleHop(peer, { isMultihop: true, local });
  return { ...session, profile: { ...session.profile, minimumTtl } };
};

const fast = ['detect-multiplier 3', 'receive-interval 50', 'transmit-interval 50'];
const frrPeer = (line: string, more: readonly string[] = fast): string[] => [
  `peer ${line}`,
  ...more.map((text) => ` ${text}`),
  'exit',
];

const isUp = (speaker: BfdSpeaker, judge: RouterBfd, peer: string, own: string): Promise<unknown> =>
  until(
    `${peer} is up on both sides`,
    () => speaker.stateOf(peer)?.state === 'up' && judge.stateOf(own) === 'up',
    20_000,
  );

testInsideLab(import.meta.filename, () => {
  test('FRR: single hop and multihop, IPv4, IPv6 and link-local come up, either side passive, with the timers of both', async () => {
    await using it = await scene();
    const { lab, node, router, far, speaker } = it;
    const local = { node: linkLocalOf(node), router: linkLocalOf(router) };
    const near = await startFrr(lab, router, [
      'bfd',
      ...frrPeer(`${ours.v4} interface eth0`),
      ...frrPeer(`${ours.v6} local-address ${theirs.v6} interface eth0`),
      ...frrPeer(`${local.node} local-address ${local.router} interface eth0`, [...fast, 'passive-mode']),
    ]);
    const distant = await startFrr(lab, far, [
      'bfd',
      ...frrPeer(`${ours.v4} multihop local-address ${farOnes.v4}`, [...fast, 'minimum-ttl 250']),
      ...frrPeer(`${ours.v6} multihop local-address ${farOnes.v6}`, [...fast, 'minimum-ttl 250']),
    ]);
    speaker.want([
      singleHop(theirs.v4, { interface: 'eth0' }, { transmitIntervalMilliseconds: 70 }),
      singleHop(theirs.v6, { interface: 'eth0', local: ours.v6 }, { passiveMode: true }),
      singleHop(local.router, { interface: 'eth0' }),
      multihop(farOnes.v4, ours.v4),
      multihop(farOnes.v6, ours.v6),
    ]);
    await isUp(speaker, near, theirs.v4, ours.v4);
    await isUp(speaker, near, theirs.v6, ours.v6);
    await isUp(speaker, near, local.router, local.node);
    await isUp(speaker, distant, farOnes.v4, ours.v4);
    await isUp(speaker, distant, farOnes.v6, ours.v6);
    const report = await until('both have polled', () => {
      const state = speaker.stateOf(theirs.v4);
      return state?.detectionMilliseconds === 150 && state;
    });
    assert.equal(report.transmitIntervalMilliseconds, 70);
    const peer = await until('FRR has heard our timers', () =>
      near.peers().find((one) => one.peer === ours.v4 && one['remote-transmit-interval'] === 70),
    );
    assert.equal(peer['remote-detect-multiplier'], 3);
    assert.equal(peer['remote-receive-interval'], 50);
    await sleep(2000);
    assert.deepEqual(
      speaker.changes
        .filter(({ state }) => state === 'down')
        .filter(({ report: { diagnostic: cause } }) => cause === 1),
      [],
    );
  });

  test('FRR: a cut is noticed by both sides in the detection time, and healing brings the session up', async () => {
    await using it = await scene();
    const { lab, lan, node, router, speaker } = it;
    const frr = await startFrr(lab, router, ['bfd', ...frrPeer(`${ours.v4} interface eth0`)]);
    speaker.want([singleHop(theirs.v4, { interface: 'eth0' })]);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    await sleep(500);
    const cutAt = performance.now();
    {
      using _cut = lan.cut({});
      await until(
        'both are down',
        () => speaker.stateOf(theirs.v4)?.state === 'down' && frr.stateOf(ours.v4) === 'down',
      );
    }
    const down = speaker.changes.find(({ state, at }) => state === 'down' && at > cutAt);
    assert.equal(down?.report.diagnostic, diagnostic.detectionTimeExpired);
    const took = (down?.at ?? 0) - cutAt;
    // 150 ms from the last packet, and what it takes to make the cut and to tell of it; ten times that on a bad day.
    assert.ok(took > 90 && took < 1500, `${took} ms`);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    // The carrier goes and comes, and with it the interface's neighbours.
    node.cables.get('eth0')?.unplug();
    await until('down', () => speaker.stateOf(theirs.v4)?.state === 'down');
    node.cables.get('eth0')?.plug();
    await isUp(speaker, frr, theirs.v4, ours.v4);
  });

  test('FRR: each side’s administrative down is told to the other as such', async () => {
    await using it = await scene();
    const { lab, router, speaker } = it;
    const frr = await startFrr(lab, router, ['bfd', ...frrPeer(`${ours.v4} interface eth0`)]);
    speaker.want([singleHop(theirs.v4, { interface: 'eth0' })]);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    const peer = ['configure', 'bfd', `peer ${ours.v4} interface eth0`];
    frr.run(...peer, 'shutdown');
    const down = await until('FRR’s is heard', () => {
      const state = speaker.stateOf(theirs.v4);
      return state?.state === 'down' && state;
    });
    assert.equal(down.remoteState, 'admin-down');
    assert.equal(down.diagnostic, diagnostic.neighbourSignalledDown);
    frr.run(...peer, 'no shutdown');
    await isUp(speaker, frr, theirs.v4, ours.v4);
    // The agent wants it no more.
    speaker.want([]);
    const told = () => frr.peers().find((one) => one.peer === ours.v4);
    await until('ours is heard', () => told()?.status === 'down');
    assert.equal(told()?.['remote-diagnostic'], 'administratively down');
    await until('it is gone here', () => speaker.stateOf(theirs.v4) === undefined);
    speaker.want([singleHop(theirs.v4, { interface: 'eth0' })]);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    // Pulse ends as planned.
    speaker.stop();
    await until('the farewell is heard', () => told()?.status === 'down');
    assert.equal(told()?.['remote-diagnostic'], 'administratively down');
  });

  test('FRR: timers changed live, on either side, take no session down', async () => {
    await using it = await scene();
    const { lab, router, speaker } = it;
    const frr = await startFrr(lab, router, ['bfd', ...frrPeer(`${ours.v4} interface eth0`)]);
    speaker.want([singleHop(theirs.v4, { interface: 'eth0' })]);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    const peer = ['configure', 'bfd', `peer ${ours.v4} interface eth0`];
    const ups = speaker.changes.length;
    for (const [transmit, receive] of [
      [300, 300],
      [20, 40],
      [400, 100],
      [50, 50],
    ] as const) {
      const wish = { transmitIntervalMilliseconds: transmit, receiveIntervalMilliseconds: receive };
      speaker.want([singleHop(theirs.v4, { interface: 'eth0' }, wish)]);
      await until('FRR knows', () => {
        const told = frr.peers().find((one) => one.peer === ours.v4);
        return told?.['remote-transmit-interval'] === transmit && told['remote-receive-interval'] === receive;
      });
      await sleep(700);
      frr.run(...peer, `transmit-interval ${receive}`, `receive-interval ${transmit}`, 'detect-multiplier 4');
      await until('we know', () => {
        const state = speaker.stateOf(theirs.v4);
        return (
          state?.detectionMilliseconds === 4 * receive && state.transmitIntervalMilliseconds === transmit
        );
      });
      await sleep(700);
    }
    assert.equal(speaker.changes.length, ups);
    assert.equal(frr.stateOf(ours.v4), 'up');
  });

  test('FRR: a frozen peer is noticed, a frozen pulse is noticed, and a pulse that was frozen blames nobody', async () => {
    await using it = await scene();
    const { lab, router, speaker } = it;
    const frr = await startFrr(lab, router, ['bfd', ...frrPeer(`${ours.v4} interface eth0`)]);
    speaker.want([singleHop(theirs.v4, { interface: 'eth0' })]);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    await sleep(500);
    frr.speaker.kill('SIGSTOP');
    const down = await until('FRR’s freeze is noticed', () => {
      const state = speaker.stateOf(theirs.v4);
      return state?.state === 'down' && state;
    });
    assert.equal(down.diagnostic, diagnostic.detectionTimeExpired);
    frr.speaker.kill('SIGCONT');
    await isUp(speaker, frr, theirs.v4, ours.v4);
    await sleep(500);
    const before = speaker.changes.length;
    speaker.process.kill('SIGSTOP');
    await until('ours is noticed', () => frr.stateOf(ours.v4) === 'down');
    speaker.process.kill('SIGCONT');
    await until('it went down and came up', () => speaker.changes.length >= before + 2);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    // It went down since FRR said so; it did not declare FRR dead, whose packets lay in its socket.
    const causes = speaker.changes.slice(before).filter(({ state }) => state === 'down');
    assert.deepEqual(
      [...new Set(causes.map(({ report }) => report.diagnostic))],
      [diagnostic.neighbourSignalledDown],
    );
  });

  test('FRR: sessions outlive the agent, and are handed from one pulse to the next', async () => {
    await using it = await scene();
    const { lab, node, router, speaker } = it;
    const frr = await startFrr(lab, router, ['bfd', ...frrPeer(`${ours.v4} interface eth0`)]);
    const wanted = [singleHop(theirs.v4, { interface: 'eth0' })];
    speaker.want(wanted);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    const before = speaker.stateOf(theirs.v4);
    speaker.hangUp();
    await sleep(1000);
    const uptime = () => JSON.parse(frr.run('show bfd peers json'))[0].uptime as number;
    assert.equal(frr.stateOf(ours.v4), 'up');
    using second = startBfdSpeaker(lab, node, true);
    await until('the second pulse has the session', () => second.stateOf(theirs.v4));
    second.want(wanted);
    await sleep(1500);
    const after = second.stateOf(theirs.v4);
    assert.deepEqual(
      [after?.state, after?.localDiscriminator, after?.remoteDiscriminator, after?.since],
      ['up', before?.localDiscriminator, before?.remoteDiscriminator, after?.since],
    );
    assert.equal(frr.stateOf(ours.v4), 'up');
    assert.ok(uptime() >= 2, 'FRR has seen no break');
  });

  test('FRR: echo packets come back by the neighbour’s forwarding plane, and tell a cut; FRR’s own come back by us', async () => {
    await using it = await scene();
    const { lab, lan, node, router, speaker } = it;
    node.sysctl('ipv4/ip_forward', 1);
    node.sysctl('ipv6/conf/all/forwarding', 1);
    const echo = [...fast, 'echo receive-interval 50', 'echo transmit-interval 50', 'echo-mode'];
    const frr = await startFrr(lab, router, [
      'bfd',
      ...frrPeer(`${ours.v4} interface eth0`, echo),
      ...frrPeer(`${ours.v6} local-address ${theirs.v6} interface eth0`, echo),
    ]);
    speaker.want([
      singleHop(theirs.v4, { interface: 'eth0' }, { echoMode: true }),
      singleHop(theirs.v6, {}, { echoMode: true }),
    ]);
    for (const [peer, own] of [
      [theirs.v4, ours.v4],
      [theirs.v6, ours.v6],
    ] as const) {
      await isUp(speaker, frr, peer, own);
      await until(`echo packets to ${peer} come back`, () => speaker.stateOf(peer)?.echo === 'active');
    }
    // Control packets have become rare, for they need not detect.
    await until('they are rare', () => speaker.stateOf(theirs.v4)?.detectionMilliseconds === 3000);
    const before = speaker.changes.length;
    await sleep(2000);
    assert.equal(speaker.changes.length, before);
    for (const counters of JSON.parse(frr.run('show bfd peers counters json')))
      assert.ok(counters['echo-packet-input'] > 20, JSON.stringify(counters));
    const cutAt = performance.now();
    {
      using _cut = lan.cut({ from: router });
      await until('the cut is noticed', () => speaker.changes.length >= before + 2);
    }
    const [down] = speaker.changes.slice(before);
    assert.equal(down?.report.diagnostic, diagnostic.echoFailed);
    assert.ok((down?.at ?? 0) - cutAt < 1500, `${(down?.at ?? 0) - cutAt} ms`);
    await isUp(speaker, frr, theirs.v4, ours.v4);
    await until('echo goes on', () => speaker.stateOf(theirs.v4)?.echo === 'active');
  });

  test('BIRD: single hop and multihop come up, and go down by a cut, a change live and a removal', async () => {
    await using it = await scene();
    const { lab, lan, router, far, speaker } = it;
    const timers = 'interval 50 ms; multiplier 3;';
    const near = (interval: string) => [
      `interface "eth0" { ${interval} };`,
      `neighbor ${ours.v4} dev "eth0" local ${theirs.v4};`,
      `neighbor ${ours.v6} dev "eth0" local ${theirs.v6};`,
    ];
    const bird = await startBird(lab, router, near(timers));
    const distant = await startBird(lab, far, [
      `multihop { ${timers} };`,
      `neighbor ${ours.v4} local ${farOnes.v4} multihop on;`,
      `neighbor ${ours.v6} local ${farOnes.v6} multihop on;`,
    ]);
    const neighbours = [singleHop(theirs.v4, { interface: 'eth0' }), singleHop(theirs.v6)];
    speaker.want([...neighbours, multihop(farOnes.v4, ours.v4), multihop(farOnes.v6, ours.v6)]);
    // BIRD sends to distant peers with a TTL of 64, and there is a router between.
    const problem = await until('that is told', () => speaker.stateOf(farOnes.v4)?.problem);
    assert.match(problem, /TTL 63, .*minimumTtl is 250/);
    speaker.want([...neighbours, multihop(farOnes.v4, ours.v4, 63), multihop(farOnes.v6, ours.v6, 63)]);
    await isUp(speaker, bird, theirs.v4, ours.v4);
    await isUp(speaker, bird, theirs.v6, ours.v6);
    await isUp(speaker, distant, farOnes.v4, ours.v4);
    await isUp(speaker, distant, farOnes.v6, ours.v6);
    const ups = speaker.changes.length;
    bird.configure(near('interval 200 ms; multiplier 5;'));
    await until('we know', () => speaker.stateOf(theirs.v4)?.detectionMilliseconds === 1000);
    assert.equal(speaker.stateOf(theirs.v4)?.transmitIntervalMilliseconds, 200);
    bird.configure(near(timers));
    await until('we know', () => speaker.stateOf(theirs.v4)?.detectionMilliseconds === 150);
    await sleep(1000);
    assert.equal(speaker.changes.length, ups);
    {
      using _cut = lan.cut({ from: router });
      await until('the cut is noticed', () => speaker.stateOf(farOnes.v6)?.state === 'down');
      await until('BIRD is told', () => bird.stateOf(ours.v4) === 'down');
    }
    await isUp(speaker, bird, theirs.v4, ours.v4);
    await isUp(speaker, distant, farOnes.v4, ours.v4);
    bird.configure([`interface "eth0" { ${timers} };`]);
    await until('BIRD’s session ends', () => speaker.stateOf(theirs.v4)?.state === 'down');
  });
});
