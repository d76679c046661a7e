// The commands about members, on real nodes: gantry drain, gantry members, and "why this node".
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stream } from '../../lab/demo/probing.ts';
import { createLabGantry, type LabGantry, until } from '../../lab/gantry.ts';
import type { ExecResult } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { l2AdvertisementManifest, poolManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  addPod,
  poolRanges,
  standardTopology,
  type Topology,
  type TopologyNode,
} from '../../lab/topology.ts';

interface Scene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly gantry: LabGantry;
  readonly run: (node: TopologyNode, ...args: readonly string[]) => ExecResult;
  readonly nodeOf: (name: string) => TopologyNode;
}

const pulseArguments = ['--failback', 'at-once'];

async function scene(count: number): Promise<Scene> {
  const lab = await createLab();
  const topology = standardTopology(lab, count);
  const gantry = createLabGantry(lab, topology);
  const [first] = topology.nodes;
  assert.ok(first);
  const pod = addPod(lab, first, 1, 'pod1');
  gantry.write('pool', poolManifest('lan', poolRanges), l2AdvertisementManifest('lan'));
  const second = topology.nodes[1] ?? first;
  const pods = [pod, addPod(lab, second, 2, 'pod2')];
  for (const { name, host } of pods) host.spawn(gantryCommand('lab', 'responder', name, '8080', '8081'));
  gantry.writeService('web', 'a', [{ name: 'echo', protocol: 'TCP', port: 7, targetPort: 8081 }], pods);
  gantry.startController();
  for (const node of topology.nodes) gantry.startNode(node, pulseArguments);
  await until('somebody answers', () => gantry.owner('web', 'a'), 20_000);
  const nodeOf = (name: string): TopologyNode => {
    const node = topology.nodes.find((one) => one.name === name);
    assert.ok(node);
    return node;
  };
  return {
    lab,
    topology,
    gantry,
    nodeOf,
    run: (node, ...args) => node.host.exec(gantryCommand(...args), { mayFail: true }),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

testInsideLab(import.meta.filename, () => {
  test('a drained node hands over, stays away though another pulse takes the place of its own, and comes back when that is undone', async () => {
    await using it = await scene(3);
    const { gantry, run, nodeOf } = it;
    const inRun = (node: TopologyNode): string[] => ['--run-dir', gantry.runDirectory(node)];
    const settled = (node: TopologyNode): boolean => run(node, 'members', ...inRun(node)).code === 0;
    const owner = await until('an owner that all hear', () => {
      const name = gantry.owner('web', 'a');
      return name !== undefined && settled(nodeOf(name)) ? nodeOf(name) : undefined;
    });

    const wrong = run(owner, 'drain', 'elsewhere', ...inRun(owner));
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /is of node\d, not of elsewhere/);

    const drained = run(owner, 'drain', owner.name, ...inRun(owner), '--output', 'json');
    assert.equal(drained.code, 0, drained.stderr);
    assert.deepEqual(JSON.parse(drained.stdout), {
      ok: true,
      node: owner.name,
      isDraining: true,
      handedOver: 2,
    });
    const successor = nodeOf(await until('another answers', () => gantry.owner('web', 'a', [owner.name])));
    await until('it is no more the owner', () => gantry.owner('web', 'a', [successor.name]) === undefined);

    const members = JSON.parse(run(successor, 'members', ...inRun(successor), '-o', 'json').stdout);
    const state = members.members.find(({ name }: { name: string }) => name === owner.name);
    assert.deepEqual([state.state, state.isReady, state.votes], ['alive', false, 0]);
    assert.match(run(owner, 'members', ...inRun(owner)).stdout, / drained .*and is drained\./s);

    const why = await until('the report shows it', () => {
      const { stdout } = run(owner, 'why', 'web/a', '--folder', gantry.folder);
      return /\(drained\)/.test(stdout) ? stdout : undefined;
    });
    assert.match(why, new RegExp(`Handed over by ${owner.name}, at 20`));
    assert.match(why, new RegExp(`${owner.name} is wanted more, but is drained`));
    const status = run(owner, 'status', '--folder', gantry.folder);
    assert.match(status.stdout, /alive, drained/);

    // Its pulse's heir knows that it is drained.
    owner.host.spawn(gantryCommand('pulse', ...inRun(owner), ...pulseArguments, '--replace'), {
      log: 'heir',
    });
    await until('it is there', () => settled(owner) || undefined);
    assert.match(run(owner, 'members', ...inRun(owner)).stdout, /and is drained\./);
    assert.equal(gantry.owner('web', 'a'), successor.name);

    const undone = run(owner, 'drain', ...inRun(owner), '--undo');
    assert.equal(undone.stdout, `${owner.name} takes part again\n`);
    await until('it has them back', () => gantry.owner('web', 'a', [successor.name]) === owner.name);
  });

  test('connections go on through a drain and its undoing, over IPv4 and IPv6', async () => {
    await using it = await scene(3);
    const { gantry, run, nodeOf, topology } = it;
    const owner = nodeOf(await until('an owner', () => gantry.owner('web', 'a')));
    const drain = ['drain', '--run-dir', gantry.runDirectory(owner)];
    const [ipv4, ipv6] = gantry.addresses('web', 'a');
    assert.ok(ipv4 && ipv6);
    const streams = [ipv4, ipv6].map((address) => stream(topology.client, address, 7, 6000));
    await sleep(1500);
    run(owner, ...drain);
    await until('another answers', () => gantry.owner('web', 'a', [owner.name]));
    await sleep(1000);
    run(owner, ...drain, '--undo');
    await until('it answers again', () => gantry.owner('web', 'a') === owner.name);
    for (const { ok, bytes, error } of await Promise.all(streams)) {
      assert.deepEqual([ok, error], [true, undefined]);
      assert.ok(bytes > 1_000_000);
    }
  });

  test('the last node that may answer is drained only by force', async () => {
    await using it = await scene(1);
    const { gantry, run, topology } = it;
    const [node] = topology.nodes;
    assert.ok(node);
    const inRun = ['--run-dir', gantry.runDirectory(node)];
    const refused = run(node, 'drain', ...inRun);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no other node is ready to take over from node1/);
    assert.equal(gantry.owner('web', 'a'), 'node1');
    assert.match(
      run(node, 'drain', ...inRun, '--force').stdout,
      /^node1 is drained: 2 addresses handed over$/m,
    );
    await until('nobody answers', () => gantry.owner('web', 'a') === undefined);
  });

  test('where no pulse runs, both say so', async () => {
    await using lab = await createLab();
    const { neighbour } = standardTopology(lab, 1);
    for (const command of ['members', 'drain']) {
      const { code, stderr } = neighbour.exec(gantryCommand(command, '--run-dir', lab.directory), {
        mayFail: true,
      });
      assert.equal(code, 1);
      assert.match(stderr, /no pulse answers on .*: start gantry pulse/);
    }
  });
});
