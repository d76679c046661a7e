// A seeded churn of Services, endpoints, pools and nodes; then the kernel holds exactly what the planner's table says.
// CHURN_SEED repeats one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiPorts, webPorts } from '../../lab/demo/scene.ts';
import { poolManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { type RunningScene, startScene } from '../../lab/running.ts';
import { poolRanges, type TopologyNode } from '../../lab/topology.ts';
import { emptyClaims, updateClaims } from '../../src/dataplane/claims.ts';
import { createNftablesDataPlane } from '../../src/dataplane/nftables/apply.ts';
import { openNftables } from '../../src/dataplane/nftables/kernel.ts';
import { openConntrack } from '../../src/dataplane/nftables/kernel-conntrack.ts';
import { planService } from '../../src/dataplane/plan.ts';
import type { Frontend } from '../../src/dataplane/table.ts';
import { parseCidr } from '../../src/model/address.ts';
import type { ServiceKey } from '../../src/model/service.ts';
import { applyBatch, emptyWorld } from '../../src/model/world.ts';
import { listFolder } from '../../src/sources/folder-list.ts';

const seed = Number(process.env['CHURN_SEED'] ?? 20_261);
const rounds = 60;

/** A small linear congruential generator: the same numbers for the same seed, everywhere. */
function generator(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function churn(scene: RunningScene): Promise<void> {
  const { gantry, topology, web, api } = scene;
  const random = generator(seed);
  const pods = [...web, ...api];
  const down = new Set<TopologyNode>();
  for (let round = 0; round < rounds; round++) {
    const name = `churn-${random(12)}`;
    const chosen = pods.filter(() => random(2) === 0);
    const action = random(10);
    if (action < 5) {
      const externalTrafficPolicy = random(2) === 0 ? 'Local' : 'Cluster';
      const sessionAffinity = random(3) === 0 ? 'ClientIP' : 'None';
      const families = random(3) === 0 ? { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] } : {};
      const spec = { externalTrafficPolicy, sessionAffinity, ...families };
      gantry.writeService('shop', name, random(2) === 0 ? webPorts : apiPorts, chosen, spec);
    } else if (action < 7) gantry.remove(`shop-${name}`);
    else if (action === 7) {
      const shrunk = ['192.0.2.200-192.0.2.205', '2001:db8:1::200-2001:db8:1::2ff'];
      gantry.write('pool', poolManifest('lan', random(2) === 0 ? poolRanges : shrunk), advertisement);
    } else {
      const node = topology.nodes[random(topology.nodes.length)];
      if (node === undefined) continue;
      const cable = node.host.cables.get('eth0');
      if (down.delete(node)) cable?.plug();
      else if (down.size === 0) {
        down.add(node);
        cable?.unplug();
      }
    }
    await sleep(random(120));
  }
  for (const node of down) node.host.cables.get('eth0')?.plug();
  gantry.write('pool', poolManifest('lan', poolRanges), advertisement);
}

const advertisement = {
  apiVersion: 'metallb.io/v1beta1',
  kind: 'L2Advertisement',
  metadata: { name: 'lan' },
};

/** What the planner says that the node's kernel must hold now. */
async function plannedTable(folder: string, node: string): Promise<Map<ServiceKey, readonly Frontend[]>> {
  const world = emptyWorld();
  const list = await listFolder(folder);
  assert.ok(list);
  applyBatch(world, { changes: list.changes, complete: true });
  const claims = emptyClaims();
  for (const [key, service] of world.services) updateClaims(claims, key, service);
  const context = { node, deadNodes: new Set<string>(), unhealthy: new Set<string>(), claims };
  return new Map([...world.services.keys()].map((key) => [key, planService(world, key, context).frontends]));
}

testInsideLab(import.meta.filename, () => {
  test(`after churn ${seed} every kernel holds the planned table, and every Service that can answer does`, {
    timeout: 180_000,
  }, async () => {
    await using scene = await startScene();
    const { gantry, topology } = scene;
    await churn(scene);
    const addresses = await scene.startWeb();
    // Once, for the comparison sets right what it finds: the agents get time to be done.
    await sleep(3000);
    for (const node of topology.nodes) {
      const [before, after] = await listings(scene, node);
      assert.equal(before, after, node.name);
    }
    // No address is had twice.
    const seen = new Map<string, string>();
    for (let index = 0; index < 12; index++) {
      for (const address of gantry.addresses('shop', `churn-${index}`)) {
        assert.equal(seen.get(address), undefined, `${address} is had twice`);
        seen.set(address, `churn-${index}`);
        assert.ok(!addresses.includes(address));
      }
    }
  });
});

/** nft's own listing of the node's table, before and after it is made to be as planned. */
async function listings({ gantry }: RunningScene, node: TopologyNode): Promise<readonly [string, string]> {
  const planned = await plannedTable(gantry.folder, node.name);
  const list = (): string => node.host.exec(['nft', '--stateless', 'list', 'table', 'inet', 'gantry']).stdout;
  const before = list();
  // Its sockets belong to the namespace in which they are opened.
  await using plane = node.host.inside(() =>
    createNftablesDataPlane({ port: openNftables(), conntrack: openConntrack() }),
  );
  assert.equal((await plane.adopt()).found, 'ours');
  await plane.setPodCidrs(node.podCidrs.map(parseCidr).filter((cidr) => cidr !== undefined));
  assert.equal((await plane.sync(planned, 'everything')).failed.size, 0);
  return [before, list()];
}
