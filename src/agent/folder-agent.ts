// The agent of a folder of manifests: reads it, reports into its `.status/`, forwards by this machine's kernel.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataPlane, type DataPlaneMode, noDataPlane } from '../dataplane/data-plane.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import type { EventPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../observe/prometheus.ts';
import { version } from '../observe/version.ts';
import { connectPulse, pulseSocketPath } from '../pulse/client.ts';
import { isMissing } from '../sources/atomic-file.ts';
import { folderSource } from '../sources/folder.ts';
import { isHidden, pluralOf, statusFolder } from '../sources/folder-layout.ts';
import { folderStatus } from '../sources/folder-status.ts';
import { type Agent, createAgent } from './agent.ts';
import { readForwardChains, readProcFacts } from './host-facts.ts';
import { ensureMembershipKey } from './membership-key.ts';
import type { ConnectPulse } from './pulse-connection.ts';

export interface FolderAgentOptions {
  /** Must exist. */
  readonly directory: string;
  readonly node: string;
  readonly runDirectory: string;
  readonly dataPlaneMode: DataPlaneMode;
  readonly keyFile: string;
  readonly isOurs: (service: Service) => boolean;
  /** Where the folder has no Node object at all, this machine is the only node. */
  readonly isAlone: boolean;
  readonly events: EventPort;
  readonly log: Log;
  readonly registry: Registry;
  /** Another way to reach pulse than its socket alone. */
  readonly connect?: ConnectPulse;
}

/** Rejects where the key file cannot be made, or netlink cannot be opened. */
export async function createFolderAgent(options: FolderAgentOptions, signal: AbortSignal): Promise<Agent> {
  const { directory, node, keyFile, dataPlaneMode } = options;
  ensureMembershipKey(keyFile);
  const socket = pulseSocketPath(options.runDirectory);
  return createAgent(
    {
      node,
      version,
      source: folderSource({ directory }),
      status: folderStatus(directory),
      events: options.events,
      dataPlane: await openDataPlane(dataPlaneMode),
      connectPulse: options.connect ?? ((handlers) => connectPulse(socket, handlers)),
      keyFile,
      isOurs: options.isOurs,
      isAlone: options.isAlone,
      reportedBefore: Promise.resolve(await reportedServices(directory, node)),
      host: { readProcFacts: () => readProcFacts(), readForwardChains: (stop) => readForwardChains(stop) },
      trimMemory: dataPlaneMode === 'none' ? () => {} : await loadTrim(),
      log: options.log,
      registry: options.registry,
    },
    signal,
  );
}

/** Loaded only where it is used: without it, no native code is. */
export async function openDataPlane(mode: DataPlaneMode): Promise<DataPlane> {
  if (mode === 'none') return noDataPlane();
  const [{ createNftablesDataPlane }, { openNftables }, { openConntrack }] = await Promise.all([
    import('../dataplane/nftables/apply.ts'),
    import('../dataplane/nftables/kernel.ts'),
    import('../dataplane/nftables/kernel-conntrack.ts'),
  ]);
  return createNftablesDataPlane({ port: openNftables(), conntrack: openConntrack() });
}

/** With the rest of the native code. */
const loadTrim = async (): Promise<() => void> => (await import('../linux/malloc-trim.ts')).trimMalloc;

/** The Services for which the node's ServiceL2Status is there, by the names of the files alone. */
export async function reportedServices(directory: string, node: string): Promise<ServiceKey[]> {
  const folder = join(directory, statusFolder, pluralOf('ServiceL2Status'), node);
  const suffix = '.json';
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter((name) => name.endsWith(suffix) && !name.split('/').some(isHidden))
      .map((name) => name.slice(0, -suffix.length));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
