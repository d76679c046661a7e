// The agent's BGP side: what this node tells which peers, with BFD beside it, and what is reported of both.
import { networkInterfaces } from 'node:os';
import { type PeerPlan, planPeers } from '../../announce/bgp/peer-plan.ts';
import type { PeerReason } from '../../announce/bgp/reason.ts';
import { createRouteTable, everyone } from '../../announce/bgp/route-table.ts';
import type { IsHealthy } from '../../announce/usable-endpoints.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import type { EventPort } from '../../model/status.ts';
import type { Log } from '../../observe/log.ts';
import type { Registry } from '../../observe/prometheus.ts';
import type { BfdFromPulse } from '../../pulse/bfd-link.ts';
import type { ToPulse } from '../../pulse/link.ts';
import { createBfdMetrics } from '../bfd-metrics.ts';
import type { StatusWriter } from '../status-writer.ts';
import type { Followed, WorldFollower } from '../world-follower.ts';
import { createBfdLinks } from './bfd-links.ts';
import { addBgpMetrics } from './bgp-metrics.ts';
import { isOnLink, nextHops } from './next-hops.ts';
import type { PeerConfiguration } from './peer-configuration.ts';
import { bgpReportOf } from './peer-report.ts';
import type { RestartMarker } from './restart-marker.ts';
import { createRoutePlanner } from './route-planner.ts';
import { createServiceReport } from './service-report.ts';
import { createSpeaker } from './speaker.ts';

export interface BgpSideOptions {
  readonly node: string;
  readonly follower: WorldFollower;
  readonly isHealthy: IsHealthy;
  readonly isForwarded: (service: ServiceKey) => boolean;
  /** Resolves once the kernel has been told of everything. */
  readonly kernelBegun: () => Promise<void>;
  readonly isDrained: () => boolean;
  readonly sendToPulse: (message: ToPulse) => void;
  readonly restartMarker: RestartMarker;
  /** The Services for which this node's ServiceBGPStatus is there already; never rejects. */
  readonly reportedBefore: Promise<Iterable<ServiceKey>>;
  readonly statuses: StatusWriter;
  readonly events: EventPort;
  readonly log: Log;
  readonly registry: Registry;
  /** Something that a report shows is new. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

export interface BgpSide {
  /** What a batch of changes means, once the World is whole. */
  take(followed: Followed): void;
  /** Plans these addresses again. */
  touch(addresses: Iterable<Address>): void;
  /** The Service's packets are forwarded from now on. */
  forwarded(service: ServiceKey): void;
  /** Pulse has told whether this node is drained. */
  drainTold(): void;
  pulseConnected(): void;
  bfdTold(message: BfdFromPulse): void;
  /** Undefined where this node has no peers. */
  report(): NodeReport['bgp'];
  /** Addresses that some peer has been told of. */
  announced(): Iterable<string>;
  /** Says farewell to the peers. */
  close(): Promise<void>;
}

export function createBgpSide(options: BgpSideOptions): BgpSide {
  const { node, follower, restartMarker: marker, log } = options;
  const { world, addresses: index } = follower;
  let unused: readonly PeerReason[] = [];
  let wasDrained = false;
  let isKernelReady = false;
  let isPlanned = false;

  const speaker = createSpeaker({
    isRestarting: marker.isSet,
    nextHops: (local, family) => nextHops(networkInterfaces(), local, family),
    log,
    changed() {
      const hasRestart = [...speaker.sessions.values()].some(
        ({ machine, configuration }) =>
          machine.state === 'established' && configuration.settings.gracefulRestart !== undefined,
      );
      if (hasRestart) marker.set(true);
      report.peersChanged();
      options.changed();
    },
    told() {
      report.peersChanged();
      options.changed();
    },
  });
  addBgpMetrics(options.registry, () => speaker.sessions.values());

  const bfd = createBfdLinks({
    send: options.sendToPulse,
    changed: (peer, isUp) => speaker.bfdChanged(peer, isUp),
    isOnLink: ({ address }) => isOnLink(networkInterfaces(), address),
  });
  const bfdMetrics = createBfdMetrics(options.registry, bfd.sessions);

  const table = createRouteTable((audience, prefix, intent) => speaker.want(audience, prefix, intent));

  const planner = createRoutePlanner({
    index,
    table,
    context: () => ({
      world,
      node,
      isHealthy: options.isHealthy,
      isForwarded: options.isForwarded,
      isDrained: options.isDrained(),
    }),
    planned: (address) => report.addressChanged(address),
    idle() {
      if (isKernelReady) isPlanned = true;
      begin();
    },
    signal: options.signal,
  });

  /** Sessions come up when all routes are there, so that peers that kept them over a restart lose none. */
  const begin = (): void => {
    if (!isPlanned) return;
    speaker.begin();
  };

  void options.kernelBegun().then(async () => {
    isKernelReady = true;
    planner.touch(index.addresses());
    report.reconcile(await options.reportedBefore);
  });

  const configure = (): void => {
    const own = world.nodes.get(node);
    const plan = own === undefined ? { peers: [], unused: [] } : planPeers(world, own);
    unused = plan.unused;
    table.setAudiences(new Set([everyone, ...plan.peers.map(({ audience }) => audience)]));
    speaker.configure(plan.peers.map(configurationOf));
    bfd.want(plan.peers);
    options.changed();
  };

  const peersOf = (address: Address): readonly string[] => {
    const offers = table.offersOf(formatAddress(address));
    if (offers.length === 0) return [];
    return [...speaker.sessions.values()]
      .filter(({ routes, configuration: { name } }) => {
        const told = routes.tellings.get(address.family);
        const isFor = offers.some(({ peers }) => peers.length === 0 || peers.includes(name));
        return isFor && told !== undefined && told.manner.nextHops.length > 0 && routes.isDone;
      })
      .map(({ configuration: { name } }) => name)
      .sort();
  };

  const report = createServiceReport({
    node,
    index,
    peersOf,
    statuses: options.statuses,
    events: options.events,
  });

  return {
    take({ touched, services, addresses, becameComplete }) {
      for (const service of services) report.serviceChanged(service);
      const { bgpPeers, bfdProfiles, bgpAdvertisements, communities, pools, nodes } = touched;
      const isOwnNode = nodes.has(node) || becameComplete;
      if (isOwnNode || bgpPeers.size + bfdProfiles.size + bgpAdvertisements.size > 0) configure();
      const isGeneral = isOwnNode || bgpAdvertisements.size + communities.size + pools.size > 0;
      planner.touch(isGeneral ? index.addresses() : addresses);
    },
    touch: planner.touch,
    forwarded: (service) => planner.touch(index.addressesOf(service)),
    drainTold() {
      const isDrained = options.isDrained();
      if (isDrained === wasDrained) return;
      wasDrained = isDrained;
      planner.touch(index.addresses());
    },
    pulseConnected: bfd.connected,
    bfdTold(message) {
      bfd.take(message);
      if (message.type === 'bfd-counters') bfdMetrics.countersTold(message);
      else options.changed();
    },
    report() {
      if (speaker.sessions.size + unused.length === 0) return undefined;
      return bgpReportOf(speaker, unused, bfd);
    },
    *announced() {
      for (const address of index.addresses()) if (peersOf(address).length > 0) yield formatAddress(address);
    },
    close: () => speaker.close(),
  };
}

function configurationOf({ peer, address, settings, password, audience }: PeerPlan): PeerConfiguration {
  return {
    name: peer.name,
    settings,
    path: {
      peer: address,
      peerPort: peer.peerPort,
      local: peer.sourceAddress,
      device: peer.vrf,
      // Neighbours that ask for it take nothing less (RFC 5082); whoever does not, does not care.
      ttl: 255,
      minimumTtl: undefined,
      password,
    },
    audience,
  };
}
