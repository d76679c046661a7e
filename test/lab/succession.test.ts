// A pulse takes another's place: nothing moves, and the others notice nothing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab } from '../../lab/lab.ts';
import { gantryCommand } from '../../lab/program.ts';
import { type LabPulse, linkAddress, startPulse } from '../../lab/pulses.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { standardTopology } from '../../lab/topology.ts';

const vips = Array.from({ length: 40 }, (_, index) => `192.0.2.${201 + index}`);

const logOf = (host: Host, name: string): string => readFileSync(host.logPath(name), 'utf8');

const pidOf = (pulse: LabPulse): number | undefined =>
  pulse.messages.findLast((message) => message.type === 'hello')?.pid;

testInsideLab(import.meta.filename, () => {
  test('each of five successors goes on with all addresses; no other node hears a silence', async () => {
    await using lab = await createLab();
    using stack = new DisposableStack();
    const { nodes } = standardTopology(lab, 3);
    const names = nodes.map(({ name }) => name);
    // At once, since any of them may be the first to start.
    const pulses = nodes.map((node) => stack.use(startPulse(lab, node, nodes, ['--failback', 'at-once'])));
    for (const pulse of pulses) pulse.announce(vips.map((vip) => linkAddress(vip, names)));
    const [first, ...others] = pulses;
    assert.ok(first);
    const hearsAll = ({ members }: LabPulse): boolean =>
      members.length === 3 && members.every(({ state }) => state === 'alive');
    await until('all hear each other', () => pulses.every(hearsAll));
    await until('the first owns all', () => first.owned.size === vips.length);
    const logged = others.map(({ node }) => logOf(node.host, `${node.name}-pulse`).length);
    const runDirectory = join(lab.directory, 'run-node1');
    for (let turn = 1; turn <= 5; turn++) {
      const before = pidOf(first);
      const name = `successor-${turn}`;
      const command = gantryCommand('pulse', '--run-dir', runDirectory, '--failback', 'at-once', '--replace');
      first.node.host.spawn(command, { log: name });
      await until('the agent is connected to another', () => pidOf(first) !== before);
      await until('that owns all', () => first.owned.size === vips.length);
      assert.match(logOf(first.node.host, name), /"?inherited"?[=:] ?40/);
      await sleep(300);
    }
    assert.equal(first.process.exitCode, 0);
    for (const [index, other] of others.entries()) {
      const log = logOf(other.node.host, `${other.node.name}-pulse`).slice(logged[index]);
      assert.doesNotMatch(log, /member-|address/);
      assert.equal(other.owned.size, 0);
    }
  });

  test('where none runs, --replace starts one; where one runs, a second without it does not', async () => {
    await using lab = await createLab();
    const { nodes } = standardTopology(lab, 1);
    const [node] = nodes;
    assert.ok(node);
    using pulse = startPulse(lab, node, nodes, ['--replace']);
    pulse.announce([linkAddress('192.0.2.201', ['node1'])]);
    await until('it owns', () => pulse.owned.size === 1);
    const second = gantryCommand('pulse', '--run-dir', join(lab.directory, 'run-node1'));
    const { code, stderr } = node.host.exec(second, { mayFail: true });
    assert.notEqual(code, 0);
    assert.match(stderr, /another pulse answers .* --replace/);
    assert.equal(pulse.owned.size, 1);
  });
});
