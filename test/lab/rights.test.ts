// The rights and command lines of deploy/, with the programs themselves on a real API server: they suffice, and each right
// is used.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { missingRights, unusedRights } from '../../lab/control-plane/rights.ts';
import { accountOf, deployed, type Program, podOf, workloadOf } from '../../lab/deployment.ts';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import {
  endpointSliceManifest,
  l2AdvertisementManifest,
  type Manifest,
  namespaceManifest,
  nodeManifest,
  podManifest,
  poolManifest,
  serviceManifest,
} from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addControlMachine, standardTopology, type TopologyNode } from '../../lab/topology.ts';

/** What nothing asks for in this test: because it is to come, or only a race makes it necessary. */
const unusedHere: Readonly<Record<Exclude<Program, 'pulse'>, readonly RegExp[]>> = {
  controller: [
    // A Service that changed while its status was written is read again.
    /^get services$/,
    // What is in order is not written again.
    /^update gantry-webhook of secrets/,
    // Definitions are looked at when configuration vanishes, and BGPPeers' is in order.
    /customresourcedefinitions/,
  ],
  // An event names its Service's uid, which the agent nearly always knows.
  // Definitions are looked at when configuration vanishes.
  agent: [/^get services$/, /servicebgpstatuses/, /customresourcedefinitions/],
};

const namespace = 'gantry-system';
const objects = deployed().map(({ object }) => object);
const inNamespace = (manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, namespace },
});

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const web = serviceManifest('shop', 'web', ports, { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] });
const l2Status = inNamespace({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'ServiceL2Status',
  metadata: { name: 'l2-node1.shop.web' },
});

/** Its password is in a Secret: with a session that is tried, it was read. */
const peer = inNamespace({
  apiVersion: 'metallb.io/v1beta2',
  kind: 'BGPPeer',
  metadata: { name: 'tor' },
  spec: { myASN: 64500, peerASN: 64501, peerAddress: '192.0.2.254', passwordSecret: { name: 'tor' } },
});
const secret = (name: string, type: string, stringData: Readonly<Record<string, string>>): Manifest =>
  inNamespace({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData });

interface Started {
  readonly kubeconfig: string;
  /** Has it end, and rejects where it ends otherwise than well. */
  stop(): Promise<void>;
}

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: ControlPlane;
  let node: TopologyNode;

  before(async () => {
    lab = await createLab();
    const topology = standardTopology(lab, 1);
    node = topology.nodes[0] ?? assert.fail();
    cluster = await startControlPlane(lab, addControlMachine(lab, topology), {
      controllers: [],
      isAudited: true,
      // As older ones: kinds are listed, then watched, which takes both rights.
      apiServerArguments: ['--feature-gates=WatchList=false'],
    });
    await cluster.kubectl('apply', '--server-side', '-k', join(import.meta.dirname, '../../deploy'));
    const pulse = podManifest(
      namespace,
      { name: 'gantry-pulse-1', node: node.name, ipv4: node.addresses[0], ipv6: node.addresses[1] },
      podOf(workloadOf(objects, 'pulse')).metadata.labels,
    );
    await cluster.apply(
      namespaceManifest('shop'),
      nodeManifest(node.name, node.addresses, node.podCidrs),
      pulse,
      inNamespace(poolManifest('lan', ['192.0.2.200-192.0.2.209'])),
      inNamespace(l2AdvertisementManifest('lan')),
      peer,
      secret('tor', 'kubernetes.io/basic-auth', { password: 'lab-secret' }),
      secret('other', 'Opaque', { key: 'nobody-else-reads-this' }),
      web,
      endpointSliceManifest('shop', 'web', 'IPv4', ports, [{ address: '198.18.1.10', nodeName: node.name }]),
    );
  });

  after(async () => {
    await cluster?.stop();
    await lab?.[Symbol.asyncDispose]();
  });

  /** Starts it by the command line of its pods, with their account as deploy/ has bound it, in directories of the lab. */
  const start = async (program: Program, host: Host): Promise<Started> => {
    const account = accountOf(program);
    const { kubeconfig } = await cluster.account({ namespace: account.namespace, name: account.name });
    const [container] = podOf(workloadOf(objects, program)).spec.containers;
    const args = (container?.args ?? []).map((arg) =>
      arg
        .replace(/^--kubernetes$/, `--kubeconfig=${kubeconfig}`)
        .replace('$(NODE_NAME)', node.name)
        .replace(/^(--[a-z]+-dir=|--key-file=)\//, `$1${lab.directory}/`),
    );
    const child = host.spawn(gantryCommand(...args), { log: program, env: { GANTRY_NAMESPACE: namespace } });
    const ended = once(child, 'exit');
    return {
      kubeconfig,
      async stop() {
        child.kill('SIGTERM');
        const [code] = await ended;
        assert.equal(code, 0, readFileSync(host.logPath(program), 'utf8'));
      },
    };
  };

  /** Waits until the program has used all that it is to use, then has it end. */
  const judge = async (program: keyof typeof unusedHere, { stop }: Started): Promise<void> => {
    const rights = accountOf(program);
    const unused = (): string[] =>
      unusedRights(rights, cluster.requests()).filter(
        (right) => !unusedHere[program].some((pattern) => pattern.test(right)),
      );
    const deadline = performance.now() + 30_000;
    while (unused().length > 0 && performance.now() < deadline) await sleep(50);
    await stop();
    assert.deepEqual(unused(), []);
    assert.deepEqual(missingRights(rights, cluster.requests()), []);
  };

  test('those of controller and agent suffice to give an address and to announce it, and each is used', async () => {
    mkdirSync(join(lab.directory, 'etc/gantry'), { recursive: true });
    writeFileSync(join(lab.directory, 'etc/gantry/membership.key'), 'a key of the lab');
    const controller = await start('controller', cluster.host);
    const pulse = await start('pulse', node.host);
    const agent = await start('agent', node.host);
    await until('the address is announced', async () => (await cluster.find(l2Status)) !== undefined, 30_000);
    await until(
      'the session is tried',
      () =>
        /bgp-not-established.*"peer":"tor"|"peer":"tor".*bgp-not-established/.test(
          readFileSync(node.host.logPath('agent'), 'utf8'),
        ),
      60_000,
    );
    // As people do in the pods of the agents.
    node.host.exec(gantryCommand('status', '--kubeconfig', agent.kubeconfig), { mayFail: true });
    await cluster.remove(web);
    await until('it is not any more', async () => (await cluster.find(l2Status)) === undefined, 30_000);
    await judge('agent', agent);
    await judge('controller', controller);
    await pulse.stop();
    const ofSecrets = cluster
      .requests()
      .filter(({ user, resource }) => user.endsWith(':gantry-agent') && resource === 'secrets');
    assert.ok(ofSecrets.length > 0);
    for (const { query } of ofSecrets) assert.match(query, /fieldSelector=type=kubernetes.io\/basic-auth/);
    const written = ['agent', 'controller'].map((name) => {
      const host = name === 'agent' ? node.host : cluster.host;
      return readFileSync(host.logPath(name), 'utf8');
    });
    assert.doesNotMatch(written.join(), /lab-secret/);
    const asked = cluster.requests().filter(({ user }) => user.endsWith(':gantry-pulse'));
    assert.deepEqual(asked, []);
  });
});
