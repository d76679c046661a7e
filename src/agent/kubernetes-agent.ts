// The agent of a Kubernetes cluster: follows its API, reports into it, and remembers what it said while it is away.
import { join } from 'node:path';
import type { DataPlaneMode } from '../dataplane/data-plane.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import type { Service } from '../model/service.ts';
import { apiLog } from '../observe/api-log.ts';
import { eventLog } from '../observe/event-log.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../observe/prometheus.ts';
import { version } from '../observe/version.ts';
import { createApiHealth } from '../sources/api-health.ts';
import { agentKinds, kubernetesSource, type MemberPods } from '../sources/kubernetes.ts';
import { kubernetesEvents } from '../sources/kubernetes-events.ts';
import { kubernetesStatus } from '../sources/kubernetes-status.ts';
import { type RememberedNotice, rememberedSource } from '../sources/remembered.ts';
import { kubernetesReportedServices } from '../sources/reported-services.ts';
import { createServiceVersions } from '../sources/service-versions.ts';
import { type Agent, createAgent } from './agent.ts';
import { createDiscards, openDiscardTable } from './bgp/discards.ts';
import { openLinks } from './bgp/own-links.ts';
import { restartMarker } from './bgp/restart-marker.ts';
import { hostSide } from './host-side.ts';

export interface KubernetesAgentOptions {
  readonly client: ApiClient;
  readonly configurationNamespace: string;
  /** Whose nodes are the members; undefined: all nodes are. */
  readonly memberPods: MemberPods | undefined;
  readonly node: string;
  readonly runDirectory: string;
  /** Where it remembers what the API said, for when that is away at its next start. */
  readonly stateDirectory: string;
  readonly dataPlaneMode: DataPlaneMode;
  /** Where BGP peers may connect to; undefined: nowhere. */
  readonly bgpListenPort: number | undefined;
  /** Need not be there yet: pulse waits for it. */
  readonly keyFile: string;
  readonly isOurs: (service: Service) => boolean;
  readonly log: Log;
  readonly registry: Registry;
}

/** An API server that lives has answered by then. */
const patienceMilliseconds = 5000;

/** An API server is written to less often than a disk: of many nodes each writes so often. */
const reportIntervalSeconds = 60;

/** Rejects where netlink cannot be opened. */
export async function createKubernetesAgent(
  options: KubernetesAgentOptions,
  signal: AbortSignal,
): Promise<Agent> {
  const { client, configurationNamespace, memberPods, node, log } = options;
  const file = join(options.stateDirectory, 'objects');
  const versions = createServiceVersions();
  const reported = (kind: 'ServiceL2Status' | 'ServiceBGPStatus') =>
    kubernetesReportedServices(client, configurationNamespace, node, kind, signal);
  return createAgent(
    {
      ...(await hostSide(options)),
      node,
      version,
      source: rememberedSource({
        source: kubernetesSource({
          client,
          configurationNamespace,
          kinds: agentKinds,
          versions,
          tell: createApiHealth(apiLog(log)),
          ...(memberPods !== undefined && { memberPods }),
        }),
        file,
        version,
        patienceMilliseconds,
        tell: (notice) => tell(log, file, notice),
      }),
      status: kubernetesStatus({ client, configurationNamespace }),
      events: kubernetesEvents({
        client,
        ...eventLog(log),
        versions,
        component: 'gantry-agent',
        host: node,
      }),
      keyFile: options.keyFile,
      isOurs: options.isOurs,
      isAlone: false,
      reportIntervalSeconds,
      reportedBefore: reported('ServiceL2Status'),
      bgp: {
        reportedBefore: reported('ServiceBGPStatus'),
        restartMarker: restartMarker(options.runDirectory),
        discards: createDiscards(openDiscardTable, log),
        openLinks: openLinks(log),
        listenPort: options.bgpListenPort,
      },
      log,
      registry: options.registry,
    },
    signal,
  );
}

function tell(log: Log, file: string, notice: RememberedNotice): void {
  switch (notice.kind) {
    case 'stands-in':
      log.warn('remembered-objects-used', { file, objects: notice.objects, next: standInAdvice });
      return;
    case 'unwritten':
      log.warn('objects-not-remembered', { file, error: notice.error, next: fileAdvice });
      return;
    case 'unreadable':
      log.warn('remembered-objects-unreadable', { file, error: notice.error, next: fileAdvice });
      return;
    default:
      notice satisfies never;
  }
}

const standInAdvice =
  'The API server did not answer in time; what it said last stands until it does. See how it is.';
const fileAdvice =
  'See that the directory may be written and its disk has room: without the file, an agent that starts while the API server is away has nothing to go by.';
