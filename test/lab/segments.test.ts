// Nodes with two networks: heartbeats run on one, addresses are announced on the other, which may be cut by itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type LabPulse, linkAddress, startPulse } from '../../lab/pulses.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import type { Segment } from '../../lab/segment.ts';
import type { TopologyNode } from '../../lab/topology.ts';

const vip = '203.0.113.200';

interface Scene extends AsyncDisposable {
  readonly lan: Segment;
  readonly pulses: readonly LabPulse[];
  /** Who answers, if one alone does. */
  owner(): LabPulse | undefined;
}

async function scene(count: number): Promise<Scene> {
  const lab: Lab = await createLab();
  const stack = new DisposableStack();
  const [management, lan] = [lab.segment('mgmt'), lab.segment('lan')];
  const nodes = Array.from({ length: count }, (_, index): TopologyNode => {
    const number = index + 1;
    const host = lab.host(`node${number}`);
    const addresses = [`198.51.100.${number}`, `2001:db8:7::${number}`] as const;
    lab.connect(host, 'eth0', management, [`${addresses[0]}/24`, `${addresses[1]}/64`]);
    lab.connect(host, 'eth1', lan, [`203.0.113.${number}/24`]);
    return { name: host.name, host, addresses, podCidrs: ['198.18.1.0/24', '2001:db8:42:1::/64'] };
  });
  const names = nodes.map(({ name }) => name);
  const pulses = nodes.map((node) => stack.use(startPulse(lab, node, nodes, ['--failback', 'at-once'])));
  for (const pulse of pulses) pulse.announce([linkAddress(vip, names)]);
  const owner = (): LabPulse | undefined => {
    const owners = pulses.filter(({ owned }) => owned.has(vip));
    return owners.length === 1 ? owners[0] : undefined;
  };
  await until('the first owns', () => owner() === pulses[0], 20_000);
  // Each has heard the others on both.
  await sleep(1500);
  return {
    lan,
    pulses,
    owner,
    async [Symbol.asyncDispose]() {
      stack.dispose();
      await lab[Symbol.asyncDispose]();
    },
  };
}

const logOf = ({ node }: LabPulse): string => readFileSync(node.host.logPath(`${node.name}-pulse`), 'utf8');

testInsideLab(import.meta.filename, () => {
  test('an owner that is cut off where it announces hands over, either way, and gets it back', async () => {
    await using it = await scene(3);
    const [first, second] = it.pulses;
    assert.ok(first && second);
    const { host } = first.node;
    for (const cut of [{ from: host }, { to: host }]) {
      const broken = it.lan.cut(cut);
      await until('the second owns', () => it.owner() === second, 3000);
      assert.equal(second.owned.get(vip)?.cause, 'handover');
      assert.match(logOf(first), /segment-cut/);
      broken[Symbol.dispose]();
      await until('the first owns again', () => it.owner() === first, 5000);
    }
    // All the time everybody was alive, and no other took its link for cut.
    for (const pulse of it.pulses) assert.doesNotMatch(logOf(pulse), /member-(silent|dead)/);
    for (const pulse of it.pulses.slice(1)) assert.doesNotMatch(logOf(pulse), /segment-cut/);
  });

  test('of two nodes neither is taken for the one that is cut off', async () => {
    await using it = await scene(2);
    const [first] = it.pulses;
    assert.ok(first);
    using _broken = it.lan.cut({ from: first.node.host });
    await sleep(2000);
    assert.equal(it.owner(), first);
  });
});
