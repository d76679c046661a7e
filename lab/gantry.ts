// Gantry itself in the lab: a folder, one controller, and an agent and a pulse on each node of a topology.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from './lab.ts';
import {
  type EndpointSpec,
  endpointSliceManifest,
  type Manifest,
  nodeManifest,
  type PortSpec,
  serviceManifest,
} from './manifests.ts';
import { gantryCommand } from './program.ts';
import type { Topology, TopologyNode, TopologyPod } from './topology.ts';

export interface LabGantry {
  readonly folder: string;
  /** Writes manifests into the folder's file `name`, all at once. */
  write(name: string, ...manifests: readonly Manifest[]): void;
  remove(name: string): void;
  /** A file below `.status/`, parsed; undefined where it is not (yet). */
  status(path: string): unknown;
  /** The addresses that the Service's status has, IPv4 first. */
  addresses(namespace: string, name: string): string[];
  /** The node that says it answers for the Service; the dead say nothing new, so name those to leave out. */
  owner(namespace: string, name: string, except?: readonly string[]): string | undefined;
  /** A Service of some pods, as one file. */
  writeService(
    namespace: string,
    name: string,
    ports: readonly PortSpec[],
    pods: readonly TopologyPod[],
    spec?: object,
  ): void;
  startController(): ChildProcess;
  startNode(
    node: TopologyNode,
    pulseArguments?: readonly string[],
    agentArguments?: readonly string[],
  ): { readonly agent: ChildProcess; readonly pulse: ChildProcess };
  runDirectory(node: TopologyNode): string;
  agentArguments(node: TopologyNode): string[];
}

/** Makes the folder, with the topology's nodes in it. `folder` must be empty or missing. */
export function createLabGantry(
  lab: Lab,
  topology: Topology,
  folder = join(lab.directory, 'manifests'),
): LabGantry {
  mkdirSync(folder, { recursive: true });
  const control = topology.neighbour;
  const runDirectory = (node: TopologyNode): string => join(lab.directory, `run-${node.name}`);

  const gantry: LabGantry = {
    folder,
    runDirectory,
    write(name, ...manifests) {
      const path = join(folder, `${name}.json`);
      writeFileSync(`${path}.tmp`, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
      renameSync(`${path}.tmp`, path);
    },
    remove: (name) => rmSync(join(folder, `${name}.json`), { force: true }),
    status(path) {
      try {
        return JSON.parse(readFileSync(join(folder, '.status', path), 'utf8'));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    addresses(namespace, name) {
      const found = gantry.status(`services/${namespace}/${name}.json`) as ServiceStatus | undefined;
      const addresses = found?.status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? [];
      return addresses.sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
    },
    owner: (namespace, name, except = []) =>
      topology.nodes.find(
        (node) =>
          !except.includes(node.name) &&
          gantry.status(`servicel2statuses/${node.name}/${namespace}/${name}.json`) !== undefined,
      )?.name,
    writeService(namespace, name, ports, pods, spec = {}) {
      const endpoints = (family: 'ipv4' | 'ipv6'): EndpointSpec[] =>
        pods.map((pod) => ({ address: pod[family], nodeName: pod.node }));
      gantry.write(
        `${namespace}-${name}`,
        serviceManifest(namespace, name, ports, spec),
        endpointSliceManifest(namespace, name, 'IPv4', ports, endpoints('ipv4')),
        endpointSliceManifest(namespace, name, 'IPv6', ports, endpoints('ipv6')),
      );
    },
    startController: () =>
      control.spawn(gantryCommand('controller', '--folder', folder, '--http', 'off'), { log: 'controller' }),
    agentArguments: (node) => [
      'agent',
      ...['--folder', folder, '--node', node.name, '--run-dir', runDirectory(node), '--http', 'off'],
    ],
    startNode(node, pulseArguments = [], agentArguments = []) {
      const pulse = node.host.spawn(
        gantryCommand('pulse', '--run-dir', runDirectory(node), ...pulseArguments),
        {
          log: `${node.name}-pulse`,
        },
      );
      const agent = node.host.spawn(gantryCommand(...gantry.agentArguments(node), ...agentArguments), {
        log: `${node.name}-agent`,
      });
      return { agent, pulse };
    },
  };
  gantry.write(
    'nodes',
    ...topology.nodes.map(({ name, addresses, podCidrs }) => nodeManifest(name, addresses, podCidrs)),
  );
  return gantry;
}

interface ServiceStatus {
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] } };
}

/** Asks every few milliseconds until the answer is neither undefined nor false; rejects with `what` after the timeout. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMilliseconds = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMilliseconds;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMilliseconds} ms in vain: ${what}`);
    await sleep(3);
  }
}
