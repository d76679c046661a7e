// The agent's BGP side: what this node tells which peers, with BFD beside it, and what is reported of both.
import { planPeers, unnumberedInterfaces } from '../../announce/bgp/peer-plan.ts';
import type { Prefix } from '../../announce/bgp/prefix.ts';
import { bgpSentence, type PeerReason } from '../../announce/bgp/reason.ts';
import { createRouteTable, everyone } from '../../announce/bgp/route-table.ts';
import type { IsHealthy } from '../../announce/usable-endpoints.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import { excludeFromLoadBalancersLabel } from '../../model/node.ts';
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
import { createDeparture } from './departure.ts';
import type { Discards } from './discards.ts';
import { listenForPeers } from './listener.ts';
import { isOnLink, nextHops } from './next-hops.ts';
import type { OpenLinks } from './own-links.ts';
import { configurationFor } from './peer-configuration.ts';
import { bgpReportOf } from './peer-report.ts';
import type { RestartMarker } from './restart-marker.ts';
import { createRoutePlanner } from './route-planner.ts';
import { createServiceReport } from './service-report.ts';
import { createSpeaker } from './speaker.ts';
import { createUnnumbered } from './unnumbered.ts';

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
  readonly discards: Discards;
  readonly openLinks: OpenLinks;
  /** Where peers may connect to; undefined: nowhere, sessions are made from here alone. */
  readonly listenPort: number | undefined;
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
  let isKernelReady = false;
  /** Addresses whose routes are on their way to the peers. */
  const unsettled = new Map<string, Address>();
  let toldNames = '';
  /** How many routes pulse knows that the peers have. */
  let toldCount = 0;

  const links = options.openLinks((gone) => {
    if (speaker.readdress(gone)) options.changed();
    // A network of this node's may cover an aggregate now, or no more.
    if (aggregates !== undefined && aggregates !== nothing) {
      aggregates = undefined;
      discard();
    }
  });
  const speaker = createSpeaker({
    isRestarting: marker.isSet,
    nextHops: (local, family) => nextHops(links.interfaces, local, family),
    log,
    changed() {
      const hasRestart = [...speaker.sessions.values()].some(
        ({ machine, configuration }) =>
          machine.state === 'established' && configuration.settings.gracefulRestart !== undefined,
      );
      if (hasRestart) marker.set(true);
      settle();
      options.changed();
    },
    told: () => settle(),
  });
  const listener =
    options.listenPort === undefined
      ? undefined
      : listenForPeers({ port: options.listenPort, accept: speaker.accept, log });
  const unnumbered = createUnnumbered({ log, changed: () => configure() });
  addBgpMetrics(options.registry, () => speaker.sessions.values());

  const bfd = createBfdLinks({
    send: options.sendToPulse,
    changed: (peer, isUp) => speaker.bfdChanged(peer, isUp),
    isOnLink: ({ address }) => isOnLink(links.interfaces, address),
  });
  const bfdMetrics = createBfdMetrics(options.registry, bfd.sessions);

  const departure = createDeparture({
    hasPeers: () => [...speaker.sessions.values()].some(({ machine }) => machine.state === 'established'),
    changed() {
      speaker.setLeaving(departure.phase !== 'here');
      planner.touch(index.addresses());
    },
    signal: options.signal,
  });
  /** Drained by hand, or by the label on its Node object. */
  const depart = (): void => {
    const labels = world.nodes.get(node)?.labels ?? {};
    departure.set(options.isDrained() || Object.hasOwn(labels, excludeFromLoadBalancersLabel));
  };

  let aggregates: readonly Prefix[] | undefined;
  const table = createRouteTable((audience, prefix, intent) => speaker.want(audience, prefix, intent));

  const planner = createRoutePlanner({
    index,
    table,
    context: () => ({
      world,
      node,
      isHealthy: options.isHealthy,
      isForwarded: options.isForwarded,
      isDrained: departure.phase === 'gone' && options.isDrained(),
      isLeaving: departure.phase === 'leaving',
    }),
    planned(address) {
      unsettled.set(formatAddress(address), address);
      report.addressChanged(address);
    },
    idle() {
      discard();
      settle();
      if (isKernelReady) speaker.begin();
    },
    signal: options.signal,
  });

  /**
   * Before the first peers hear of an aggregate. Neighbours of this node on a network of its own are no strangers to it, so
   * an aggregate that lies within one is left alone.
   */
  const discard = (): void => {
    if (!isKernelReady) return;
    const wanted = world.bgpPeers.size === 0 ? nothing : table.aggregates();
    // Without peers nothing was ever dropped, and nothing native has to be loaded to find that out.
    if (wanted === aggregates || (wanted === nothing && aggregates === undefined)) return;
    aggregates = wanted;
    options.discards.want(wanted.filter(({ address }) => !isOnLink(links.interfaces, address)));
  };

  /** What was planned is with all peers that have their table, or these are others than before. */
  const settle = (): void => {
    const told = [...speaker.sessions.values()].filter(({ routes }) => routes.isTold);
    const names = told.map(({ configuration: { name } }) => name).join();
    if (told.every(({ routes }) => routes.isDone)) {
      const settled = [...unsettled.values()];
      unsettled.clear();
      for (const address of settled) report.addressChanged(address);
      // Whoever drains the node waits to read that its peers have no route any more.
      if (settled.length > 0 && departure.phase === 'gone') options.changed();
      const count = told.reduce((sum, { routes }) => sum + routes.size, 0);
      if (count !== toldCount) tellCount(count);
    }
    if (names === toldNames) return;
    toldNames = names;
    report.peersChanged();
    options.changed();
  };

  const tellCount = (count: number): void => {
    toldCount = count;
    options.sendToPulse({ type: 'bgp-routes', count });
  };

  // Sessions come up when all routes are there, so that peers that kept them over a restart lose none.
  void options.kernelBegun().then(async () => {
    isKernelReady = true;
    planner.touch(index.addresses());
    report.reconcile(await options.reportedBefore);
  });

  /** Once of each peer that cannot have its session; that another node has it is no complaint. */
  const complain = (reasons: readonly PeerReason[]): void => {
    for (const reason of reasons) {
      // Of neighbours that are not heard yet the log says more elsewhere, once it is time.
      if (reason.kind === 'peer-not-for-node' || reason.kind === 'neighbour-unknown') continue;
      if (unused.some(({ peer, kind }) => peer === reason.peer && kind === reason.kind)) continue;
      log.warn('bgp-peer-unused', { peer: reason.peer, kind: reason.kind, next: bgpSentence(reason) });
    }
  };

  const configure = (): void => {
    const own = world.nodes.get(node);
    unnumbered.want(own === undefined ? new Set() : unnumberedInterfaces(world, own));
    const circumstances = { neighbourOn: unnumbered.neighbourOn, isListening: listener !== undefined };
    const plan = own === undefined ? { peers: [], unused: [] } : planPeers(world, own, circumstances);
    complain(plan.unused);
    unused = plan.unused;
    table.setAudiences(new Set([everyone, ...plan.peers.map(({ audience }) => audience)]));
    const configurations = plan.peers.map(configurationFor);
    listener?.setPeers(configurations);
    if (configurations.length > 0) links.follow();
    speaker.configure(configurations);
    bfd.want(plan.peers);
    discard();
    options.changed();
  };

  const peersOf = (address: Address): readonly string[] | undefined => {
    const text = formatAddress(address);
    const offers = table.offersOf(text);
    if (offers.length === 0) return [];
    if (unsettled.has(text)) return undefined;
    const told = [...speaker.sessions.values()]
      .filter(({ routes, configuration: { name } }) => {
        const telling = routes.tellings.get(address.family);
        const isFor = offers.some(({ peers }) => peers.length === 0 || peers.includes(name));
        return isFor && telling !== undefined && telling.manner.nextHops.length > 0 && routes.isTold;
      })
      .map(({ configuration: { name } }) => name);
    return [...new Set(told)].sort();
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
      const { bgpPeers, bfdProfiles, bgpAdvertisements, communities, pools, nodes, secrets } = touched;
      const isOwnNode = nodes.has(node) || becameComplete;
      if (isOwnNode) depart();
      if (isOwnNode || bgpPeers.size + bfdProfiles.size + bgpAdvertisements.size + secrets.size > 0)
        configure();
      const isGeneral = isOwnNode || bgpAdvertisements.size + communities.size + pools.size > 0;
      planner.touch(isGeneral ? index.addresses() : addresses);
    },
    touch: planner.touch,
    forwarded: (service) => planner.touch(index.addressesOf(service)),
    drainTold() {
      depart();
    },
    pulseConnected() {
      bfd.connected();
      if (toldCount > 0) tellCount(toldCount);
    },
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
      for (const address of index.addresses())
        if ((peersOf(address)?.length ?? 0) > 0) yield formatAddress(address);
    },
    close() {
      listener?.[Symbol.dispose]();
      links[Symbol.dispose]();
      unnumbered[Symbol.dispose]();
      return speaker.close();
    },
  };
}

const nothing: readonly Prefix[] = [];
