// The agent of a folder of manifests: reads it, reports into its `.status/`, forwards by this machine's kernel.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataPlaneMode } from '../dataplane/data-plane.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import type { EventPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../observe/prometheus.ts';
import { version } from '../observe/version.ts';
import { isMissing } from '../sources/atomic-file.ts';
import { folderSource } from '../sources/folder.ts';
import { isHidden, pluralOf, statusFolder } from '../sources/folder-layout.ts';
import { folderStatus } from '../sources/folder-status.ts';
import { type Agent, createAgent } from './agent.ts';
import { createDiscards, openDiscardTable } from './bgp/discards.ts';
import { openLinks } from './bgp/own-links.ts';
import { restartMarker } from './bgp/restart-marker.ts';
import { hostSide } from './host-side.ts';
import { ensureMembershipKey } from './membership-key.ts';
import type { ConnectPulse } from './pulse-connection.ts';

export interface FolderAgentOptions {
  /** Must exist. */
  readonly directory: string;
  readonly node: string;
  readonly runDirectory: string;
  readonly dataPlaneMode: DataPlaneMode;
  readonly keyFile: string;
  /** Where BGP peers may connect to; undefined: nowhere. */
  readonly bgpListenPort: number | undefined;
  readonly isOurs: (service: Service) => boolean;
  /** Where the folder has no Node object at all, this machine is the only node. */
  readonly isAlone: boolean;
  readonly events: EventPort;
  readonly log: Log;
  readonly registry: Registry;
  /** Another way to reach pulse than its socket alone. */
  readonly connect?: ConnectPulse;
}

const reportIntervalSeconds = 10;

/** Rejects where the key file cannot be made, or netlink cannot be opened. */
export async function createFolderAgent(options: FolderAgentOptions, signal: AbortSignal): Promise<Agent> {
  const { directory, node, keyFile } = options;
  ensureMembershipKey(keyFile);
  return createAgent(
    {
      ...(await hostSide(options)),
      node,
      version,
      source: folderSource({ directory }),
      status: folderStatus(directory),
      events: options.events,
      keyFile,
      isOurs: options.isOurs,
      isAlone: options.isAlone,
      reportIntervalSeconds,
      reportedBefore: Promise.resolve(await reportedServices(directory, node, 'ServiceL2Status')),
      bgp: {
        reportedBefore: Promise.resolve(await reportedServices(directory, node, 'ServiceBGPStatus')),
        restartMarker: restartMarker(options.runDirectory),
        discards: createDiscards(openDiscardTable, options.log),
        openLinks: openLinks(options.log),
        listenPort: options.bgpListenPort,
      },
      log: options.log,
      registry: options.registry,
    },
    signal,
  );
}

/** The Services for which the node's status of this kind is there, by the names of the files alone. */
export async function reportedServices(
  directory: string,
  node: string,
  kind: 'ServiceL2Status' | 'ServiceBGPStatus',
): Promise<ServiceKey[]> {
  const folder = join(directory, statusFolder, pluralOf(kind), node);
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
