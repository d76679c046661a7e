// Gantry on a real Kubernetes control plane in the lab: each program with exactly the rights that deploy/ gives it.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './control-plane/accounts.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from './control-plane/control-plane.ts';
import { accountOf, deployed } from './deployment.ts';
import { until } from './gantry.ts';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';
import { l2AdvertisementManifest, namespaceManifest, nodeManifest, poolManifest } from './manifests.ts';
import { gantryCommand } from './program.ts';
import { addControlMachine, poolRanges, type Topology, type TopologyNode } from './topology.ts';

export interface LabCluster extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly accounts: { readonly controller: Account; readonly agent: Account };
  /** Another name, another log: each is a pod of its own. */
  startController(name?: string, environment?: Readonly<Record<string, string>>): ChildProcess;
  startPulse(node: TopologyNode): ChildProcess;
  startAgent(node: TopologyNode): ChildProcess;
  /** The addresses that the Service's status has, IPv4 first. */
  addresses(name: string): Promise<string[]>;
  /** The node that says it answers for the Service; the dead say nothing new, so name those to leave out. */
  owner(name: string, except?: readonly string[]): Promise<string | undefined>;
}

/** Where the Services of tests are. */
export const shop = 'shop';

interface Reported {
  readonly status?: { readonly node: string; readonly serviceName: string };
}

interface LoadBalanced {
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] } };
}

export interface LabClusterOptions extends ControlPlaneOptions {
  /** Where all of Gantry is. */
  readonly configurationNamespace?: string;
  /** The command line of `gantry ARGUMENTS`; undefined: from the checkout. */
  readonly command?: typeof gantryCommand;
}

/** Definitions, nodes, a pool and its advertisement are there; nothing of Gantry runs yet. */
export async function startLabCluster(
  lab: Lab,
  topology: Topology,
  { command = gantryCommand, configurationNamespace = 'gantry-system', ...options }: LabClusterOptions = {},
): Promise<LabCluster> {
  const controlPlane = await startControlPlane(lab, addControlMachine(lab, topology), options);
  const definitions = deployed().flatMap(({ object }) =>
    object.kind === 'CustomResourceDefinition' ? object : [],
  );
  await controlPlane.apply(
    namespaceManifest(shop),
    namespaceManifest(configurationNamespace),
    ...definitions,
    ...topology.nodes.map(({ name, addresses, podCidrs }) => nodeManifest(name, addresses, podCidrs)),
  );
  const configuring = [poolManifest('lan', poolRanges), l2AdvertisementManifest('lan')];
  for (const object of configuring)
    await controlPlane.apply({
      ...object,
      metadata: { ...object.metadata, namespace: configurationNamespace },
    });
  const accounts = {
    controller: await controlPlane.account({
      ...accountOf('controller'),
      namespace: configurationNamespace,
    }),
    agent: await controlPlane.account({ ...accountOf('agent'), namespace: configurationNamespace }),
  };
  const keyFile = join(lab.directory, 'membership.key');
  writeFileSync(keyFile, `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 });
  const runDirectory = (node: TopologyNode): string => join(lab.directory, `run-${node.name}`);
  const spawn = (
    host: Host,
    log: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): ChildProcess =>
    host.spawn(command(...args), { log, env: { GANTRY_NAMESPACE: configurationNamespace, ...env } });

  return {
    controlPlane,
    accounts,
    startController: (name = 'controller', environment = {}) =>
      spawn(
        controlPlane.host,
        name,
        ['controller', '--kubeconfig', accounts.controller.kubeconfig, '--http', 'off'],
        { POD_NAME: name, ...environment },
      ),
    startPulse: (node) => spawn(node.host, `${node.name}-pulse`, ['pulse', '--run-dir', runDirectory(node)]),
    startAgent: (node) =>
      spawn(node.host, `${node.name}-agent`, [
        ...['agent', '--kubeconfig', accounts.agent.kubeconfig, '--node', node.name],
        ...['--run-dir', runDirectory(node), '--state-dir', join(lab.directory, `state-${node.name}`)],
        ...['--key-file', keyFile, '--http', 'off'],
      ]),
    async addresses(name) {
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { namespace: shop, name } };
      const found = await controlPlane.find<LoadBalanced>(service);
      const addresses = (found?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
      return addresses.sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
    },
    async owner(name, except = []) {
      const path = `/apis/metallb.io/v1beta1/namespaces/${configurationNamespace}/servicel2statuses`;
      const { status: code, body } = await controlPlane.api.request('GET', path);
      // A server that has just started is not ready yet.
      if (code !== 200) return undefined;
      return (body as { items: readonly Reported[] }).items
        .flatMap(({ status }) => status ?? [])
        .find(({ node, serviceName }) => serviceName === name && !except.includes(node))?.node;
    },
    [Symbol.asyncDispose]: () => controlPlane.stop(),
  };
}

/** Resolves with the Service's addresses once it has so many. */
export const addressesOf = (cluster: LabCluster, name: string, count = 2): Promise<string[]> =>
  until(
    `${name} has ${count} addresses`,
    async () => {
      const found = await cluster.addresses(name);
      return found.length === count && found;
    },
    30_000,
  );
