// The agent of one node: follows the objects, keeps the kernel and pulse's table in line with them, and reports.

import { renderNodeReport } from '../api/node-report.ts';
import { configurationState } from '../api/status.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import type { EventPort, StatusPort } from '../model/status.ts';
import type { ChangeBatch } from '../model/world.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../observe/prometheus.ts';
import { collectGarbage, letProcessGrow } from '../observe/small-process.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import type { Source } from '../sources/source.ts';
import { createAgentMetrics } from './agent-metrics.ts';
import { nodeReportOf } from './agent-report.ts';
import { type BgpSideOptions, createBgpSide } from './bgp/bgp-side.ts';
import { type HostWatchOptions, watchHost } from './host-watch.ts';
import { createKernelSide } from './kernel-side.ts';
import { loneNode, ownAddresses } from './lone-node.ts';
import { createPace } from './pace.ts';
import { probe } from './probe.ts';
import { createProber } from './prober.ts';
import { type AddressProberOptions, createAddressProber } from './probing/prober.ts';
import type { ConnectPulse } from './pulse-connection.ts';
import { createPulseSide } from './pulse-side.ts';
import { hostSentence } from './reason.ts';
import { createStatusWriter } from './status-writer.ts';
import { createWorldFollower } from './world-follower.ts';

export interface AgentOptions {
  readonly node: string;
  readonly version: string;
  readonly source: Source;
  readonly status: StatusPort;
  readonly events: EventPort;
  /** Disposed at the end; the kernel keeps what it has. */
  readonly dataPlane: DataPlane;
  readonly connectPulse: ConnectPulse;
  /** The file with the heartbeats' key, for pulse. */
  readonly keyFile: string;
  /** False for the Services of other load balancers. */
  readonly isOurs: (service: Service) => boolean;
  /** Where there is no Node object at all, this machine is the only node. */
  readonly isAlone: boolean;
  /** The longest time between two NodeReports. */
  readonly reportIntervalSeconds: number;
  /** The Services for which this node's ServiceL2Status is there already, left by an earlier agent; never rejects. */
  readonly reportedBefore: Promise<Iterable<ServiceKey>>;
  readonly bgp: Pick<
    BgpSideOptions,
    'reportedBefore' | 'restartMarker' | 'discards' | 'openLinks' | 'listenPort'
  >;
  readonly host: Pick<HostWatchOptions, 'readProcFacts' | 'readForwardChains'>;
  readonly probing: Pick<AddressProberOptions, 'listLinks' | 'openListeners'>;
  /** Gives freed memory back to the kernel: after the beginning, and now and then. */
  readonly trimMemory: () => void;
  readonly log: Log;
  readonly registry: Registry;
}

export interface Agent {
  /** Why it does not do its work yet, or no more, as a sentence. */
  notReady(): string | undefined;
  /**
   * Resolves after the signal aborted: kernel and pulse are left as they are, for the next agent to adopt. Rejects when
   * the objects cannot be read, or the kernel cannot be spoken to.
   */
  run(): Promise<void>;
}

const probesAtOnce = 64;
/** From here on collecting garbage in a small heap would hold a change back for 50 ms now and then. */
const manyServices = 2000;
/** After the first list the burst of work that it brings is over, and its garbage lies about. */
const settledMilliseconds = 10_000;
const trimMilliseconds = 15_000;

export function createAgent(options: AgentOptions, signal: AbortSignal): Agent {
  const { node, version, log, dataPlane, events, registry, reportIntervalSeconds } = options;
  const sourceMetrics = createSourceMetrics(registry);
  const statuses = createStatusWriter({ port: options.status, log, signal });
  const follower = createWorldFollower({
    isOurs: options.isOurs,
    loneNode: options.isAlone ? loneNode(node, ownAddresses()) : undefined,
  });
  const { world } = follower;
  let isKernelReady = false;
  const crash = Promise.withResolvers<never>();
  crash.promise.catch(() => {}); // `run` rejects with it, if it is still under way

  const prober = createProber({
    probe,
    changed(service) {
      kernel.touch([service]);
      const addresses = follower.addresses.addressesOf(service);
      pulse.touch(addresses);
      bgp.touch(addresses);
      requestReport();
    },
    random: Math.random,
    concurrency: probesAtOnce,
    signal,
  });

  const kernel = createKernelSide({
    node,
    follower,
    dataPlane,
    unhealthy: prober.unhealthy,
    deadNodes: () => pulse.connection.deadNodes,
    readOwnAddresses: ownAddresses,
    events,
    log,
    planned(service) {
      pulse.forwarded(service);
      bgp.forwarded(service);
    },
    synced({ milliseconds }) {
      metrics.synced(milliseconds / 1000);
      requestReport();
    },
    crashed: (error) => crash.reject(isForbidden(error) ? new Error(hostSentence(forbidden)) : error),
    signal,
  });

  const pulse = createPulseSide({
    node,
    follower,
    connect: options.connectPulse,
    keyFile: options.keyFile,
    isHealthy: prober.isHealthy,
    isForwarded: kernel.state.isForwarded,
    kernelBegun: () => kernel.begun,
    statuses,
    events,
    reportedBefore: options.reportedBefore,
    log,
    livesChanged(nodes) {
      for (const name of nodes) kernel.touch(follower.servicesOn(name));
    },
    gained: (owned) => metrics.gained(owned),
    leasesTold: (leases) => metrics.leasesTold(leases),
    bfdTold: (message) => bgp.bfdTold(message),
    connected: () => bgp.pulseConnected(),
    changed() {
      bgp.drainTold();
      requestReport();
    },
    signal,
  });

  const bgp = createBgpSide({
    ...options.bgp,
    node,
    follower,
    isHealthy: prober.isHealthy,
    isForwarded: kernel.state.isForwarded,
    kernelBegun: () => kernel.begun,
    isDrained: () => pulse.connection.members?.isDraining ?? false,
    sendToPulse: (message) => pulse.connection.send(message),
    statuses,
    events,
    log,
    registry,
    changed: () => requestReport(),
    signal,
  });

  const usableInterfaces = (): readonly string[] =>
    pulse.connection.members?.members.find(({ name }) => name === node)?.interfaces ?? [];

  const addressProber = createAddressProber({
    ...options.probing,
    node,
    world,
    isAllocated: (address) => follower.addresses.servicesOf(address).size > 0,
    deadNodes: () => pulse.connection.deadNodes,
    usableInterfaces,
    statuses,
    log,
    signal,
  });

  const host = watchHost({
    ...options.host,
    context: () => ({
      forwards: dataPlane.mode !== 'none',
      leavesHost: kernel.state.leavesHost,
      families: new Set([...follower.addresses.addresses()].map(({ family }) => family)),
      interfaces: usableInterfaces(),
    }),
    log,
    changed: () => requestReport(),
    signal,
  });

  const metrics = createAgentMetrics(registry, {
    node,
    pulse: pulse.connection,
    servicesOf: follower.servicesWith,
    announcedByBgp: () => bgp.announced(),
    kernel: kernel.state,
    unhealthyEndpoints: () => prober.unhealthy.size,
    strangers: () => addressProber.strangers.length,
    findings: () => host.findings,
  });

  const requestReport = createPace({
    act() {
      if (!world.complete) return;
      host.judge();
      const report = nodeReportOf({
        node,
        version,
        now: new Date().toISOString(),
        reportIntervalSeconds,
        pulse: pulse.connection,
        announced: pulse.announced,
        mode: dataPlane.mode,
        kernel: kernel.state,
        lastSyncAt: kernel.lastSyncAt,
        bgp: bgp.report(),
        findings: host.findings,
        unhealthy: prober.failures(),
      });
      statuses.put(renderNodeReport(report));
    },
    leastMilliseconds: 1000,
    mostMilliseconds: reportIntervalSeconds * 1000,
    signal,
  });

  const begin = (): void => {
    log.info('objects-read', { services: world.services.size, nodes: world.nodes.size });
    sourceMetrics.loaded();
    if (world.services.size > manyServices) letProcessGrow();
    kernel.begin();
    pulse.nodesChanged();
    host.look();
    requestReport();
    void kernel.begun.then(() => {
      isKernelReady = true;
      requestReport();
    });
    setTimeout(collectGarbage, settledMilliseconds).unref();
    setInterval(() => !signal.aborted && options.trimMemory(), trimMilliseconds).unref();
  };

  const takeBatch = (batch: ChangeBatch): void => {
    sourceMetrics.updated(batch.changes.length);
    const followed = follower.take(batch);
    for (const key of followed.endpoints) prober.update(key, world.slicesOfService.get(key)?.values() ?? []);
    for (const key of followed.services) pulse.serviceChanged(key);
    if (!world.complete) return;
    if (followed.becameComplete) begin();
    else {
      kernel.touch(followed.forwarding);
      if (followed.nodes) {
        kernel.nodeChanged();
        pulse.nodesChanged();
      }
    }
    pulse.touch(followed.announcing);
    bgp.take(followed);
    addressProber.touch();
  };

  const takeProblems = (problems: readonly ObjectProblem[]): void => {
    sourceMetrics.errors(problems.filter(({ severity }) => severity === 'error').length);
    const since = new Date().toISOString();
    statuses.put(configurationState({ component: 'agent', node, problems, since }));
  };

  return {
    notReady() {
      if (!world.complete) return 'The objects are not read yet.';
      if (!isKernelReady) return 'The kernel is not in line with the objects yet.';
      if (pulse.connection.isConnected) return undefined;
      return 'Pulse is not connected: start gantry pulse on this node with the same --run-dir.';
    },
    async run() {
      const stopped = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await using _plane = dataPlane;
      using _pulse = pulse;
      await using source = options.source;
      const listed = source.start({ batch: takeBatch, problems: takeProblems });
      // A folder that is not there yet is waited for.
      await Promise.race([listed, stopped, crash.promise]);
      await Promise.race([stopped, crash.promise]);
      await bgp.close();
      await statuses.idle();
    },
  };
}

const forbidden = { kind: 'no-cap-net-admin' } as const;

const isForbidden = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPERM';
