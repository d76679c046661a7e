// The demo's scene: the lab, pods that answer, and Gantry on a folder.
import { once } from 'node:events';
import { createLabGantry, type LabGantry, until } from '../gantry.ts';
import type { Lab } from '../lab.ts';
import { l2AdvertisementManifest, type Manifest, type PortSpec, poolManifest } from '../manifests.ts';
import { gantryCommand } from '../program.ts';
import { addPod, poolRanges, standardTopology, type Topology, type TopologyPod } from '../topology.ts';

export interface Scene {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly gantry: LabGantry;
  /** One of each Service on every node, in the nodes' order. */
  readonly web: readonly TopologyPod[];
  readonly api: readonly TopologyPod[];
}

const podPort = 8080;
const echoPort = 8081;

/** What both Services serve: the same port 80, and DNS's on UDP. */
export const webPorts: readonly PortSpec[] = [
  { name: 'http', protocol: 'TCP', port: 80, targetPort: podPort },
  { name: 'dns', protocol: 'UDP', port: 53, targetPort: podPort },
];
export const apiPorts: readonly PortSpec[] = [
  { name: 'http', protocol: 'TCP', port: 80, targetPort: podPort },
  { name: 'stream', protocol: 'TCP', port: 7, targetPort: echoPort },
];

export function buildNetwork(lab: Lab): Omit<Scene, 'gantry'> {
  const topology = standardTopology(lab);
  const pods = (service: string, number: number): TopologyPod[] =>
    topology.nodes.map((node, index) => addPod(lab, node, number, `${service}-${index + 1}`));
  return { lab, topology, web: pods('web', 1), api: pods('api', 2) };
}

export async function startPods({ web, api }: Pick<Scene, 'web' | 'api'>): Promise<void> {
  await Promise.all(
    [...web, ...api].map(async ({ name, host }) => {
      const responder = host.spawn(
        gantryCommand('lab', 'responder', name, String(podPort), String(echoPort)),
        {
          pipe: true,
        },
      );
      if (responder.stdout !== null) await once(responder.stdout, 'data');
    }),
  );
}

/** Resolves when every node has reported that it announces and forwards; by layer 2 unless `configuration` says otherwise. */
export async function startGantry(
  lab: Lab,
  topology: Topology,
  pulseArguments: readonly string[] = [],
  configuration: readonly Manifest[] = [poolManifest('lan', poolRanges), l2AdvertisementManifest('lan')],
): Promise<LabGantry> {
  const gantry = createLabGantry(lab, topology);
  gantry.write('pool', ...configuration);
  gantry.startController();
  for (const node of topology.nodes) gantry.startNode(node, pulseArguments);
  for (const node of topology.nodes) {
    await until(`${node.name} reports`, () => gantry.status(`nodereports/${node.name}.json`), 20_000);
  }
  return gantry;
}
