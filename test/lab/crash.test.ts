// Agents, controllers and pulses killed at any moment: streams flow on, addresses stay, and the next start adopts.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProbing, stream, targetText } from '../../lab/demo/probing.ts';
import { apiPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { startScene } from '../../lab/running.ts';

testInsideLab(import.meta.filename, () => {
  test('controller and agents killed again and again: a 30 s stream keeps every byte, no request fails, no address changes', {
    timeout: 200_000,
  }, async () => {
    // A machine that stood still for longer than the pulses' patience moves addresses: then once more.
    if (!(await surviveKills())) assert.ok(await surviveKills(), 'the machine stood still twice');
  });

  test('a killed pulse comes back and takes its addresses again; meanwhile another node has them', async () => {
    await using scene = await startScene();
    const { gantry, topology } = scene;
    const [address = ''] = await scene.startWeb();
    const owner = topology.nodes.find(({ name }) => name === gantry.owner('shop', 'web'));
    assert.ok(owner);
    for (const pid of owner.host.processes()) {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0pulse\0')) process.kill(pid, 'SIGKILL');
    }
    await until('another node owns', () => {
      const now = gantry.owner('shop', 'web', [owner.name]);
      return now !== undefined;
    });
    assert.ok(scene.ask(address));
    owner.host.spawn(gantryCommand('pulse', '--run-dir', gantry.runDirectory(owner)), {
      log: `${owner.name}-pulse`,
    });
    await until('the first owner has it back', () => gantry.owner('shop', 'web') === owner.name, 25_000);
    assert.ok(scene.ask(address));
  });

  test('agent cleanup leaves nothing of ours in the kernel', async () => {
    await using scene = await startScene();
    const { gantry, topology } = scene;
    await scene.startWeb();
    const [node] = topology.nodes;
    assert.ok(node);
    const agent = (pid: number): boolean =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0agent\0');
    for (const pid of node.host.processes().filter(agent)) process.kill(pid, 'SIGTERM');
    await until('the agent has ended', () => !node.host.processes().some(agent));
    assert.match(node.host.exec(['nft', 'list', 'tables']).stdout, /gantry/);
    node.host.exec(gantryCommand('agent', 'cleanup', '--run-dir', gantry.runDirectory(node)));
    assert.equal(node.host.exec(['nft', 'list', 'tables']).stdout, '');
    await until('pulse has ended', () => node.host.processes().length === 0);
  });
});

/** The kills, and all that must hold after them; false where the machine itself stood still meanwhile. */
async function surviveKills(): Promise<boolean> {
  await using scene = await startScene();
  const { gantry, topology, api } = scene;
  const addresses = await scene.startWeb();
  gantry.writeService('shop', 'api', apiPorts, api);
  const apiAddresses = await until('shop/api has addresses', () => {
    const found = gantry.addresses('shop', 'api');
    return found.length === 2 && found;
  });
  for (const address of apiAddresses) await until(`${address} answers`, () => scene.ask(address));
  const owner = gantry.owner('shop', 'web');
  const [ipv4 = ''] = apiAddresses;

  const streaming = stream(topology.client, ipv4, 7, 30_000);
  const probing = startProbing(
    topology.client,
    addresses.map((address) => targetText('tcp', address, 80)),
  );
  const controllers = () =>
    topology.neighbour
      .processes()
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('controller'));
  const agentOf = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0agent\0');
  const end = performance.now() + 27_000;
  for (let round = 0; performance.now() < end; round++) {
    await sleep(500 + ((round * 379) % 1400));
    for (const pid of controllers()) process.kill(pid, 'SIGKILL');
    const node = topology.nodes[round % topology.nodes.length];
    assert.ok(node);
    for (const pid of node.host.processes().filter(agentOf)) process.kill(pid, 'SIGKILL');
    gantry.startController();
    node.host.spawn(gantryCommand(...gantry.agentArguments(node)), { log: `${node.name}-agent` });
  }
  const streamed = await streaming;
  const reports = await probing.finish();
  if (topology.nodes.some(({ name }) => scene.log(`${name}-pulse`).includes('"was-late"'))) return false;
  assert.deepEqual([streamed.ok, streamed.error], [true, undefined]);
  assert.ok(streamed.bytes > 10_000_000, `${streamed.bytes} bytes`);
  for (const { target, failed, failures } of reports)
    assert.equal(failed, 0, `${target.address}: ${JSON.stringify(failures)}`);
  await until('the status is there again', () => gantry.owner('shop', 'web') !== undefined);
  assert.deepEqual(gantry.addresses('shop', 'web'), addresses);
  assert.equal(gantry.owner('shop', 'web'), owner);
  assert.match(scene.log(`${topology.nodes[0]?.name}-agent`), /"kernel-adopted".*|"found":"ours"/);
  for (const path of filesBelow(join(gantry.folder, '.status')).filter((name) => name.endsWith('.json'))) {
    assert.doesNotThrow(() => JSON.parse(readFileSync(path, 'utf8')), path);
  }
  return true;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
