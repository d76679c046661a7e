// The agent's pulse side: what pulse is to answer for, and what is told about what it does.
import type { IsHealthy } from '../announce/usable-endpoints.ts';
import { type Address, formatAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import type { EventPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import type { BfdFromPulse } from '../pulse/bfd-link.ts';
import type { LinkOwned } from '../pulse/link.ts';
import { createAnnouncements } from './announcements.ts';
import { createOwnershipReport } from './ownership-report.ts';
import {
  type ConnectPulse,
  createPulseConnection,
  type LeasesMessage,
  type PulseConnection,
} from './pulse-connection.ts';
import type { StatusWriter } from './status-writer.ts';
import type { WorldFollower } from './world-follower.ts';

export interface PulseSideOptions {
  readonly node: string;
  readonly follower: WorldFollower;
  readonly connect: ConnectPulse;
  readonly keyFile: string;
  readonly isHealthy: IsHealthy;
  readonly isForwarded: (service: ServiceKey) => boolean;
  /** Resolves once the kernel has been told of everything. */
  readonly kernelBegun: () => Promise<void>;
  readonly statuses: StatusWriter;
  readonly events: EventPort;
  /** The Services for which this node's ServiceL2Status is there already, left by an earlier agent; never rejects. */
  readonly reportedBefore: Promise<Iterable<ServiceKey>>;
  readonly log: Log;
  /** These nodes died, or live again. */
  readonly livesChanged: (nodes: ReadonlySet<string>) => void;
  readonly gained: (owned: LinkOwned) => void;
  readonly leasesTold: (leases: LeasesMessage) => void;
  readonly bfdTold: (message: BfdFromPulse) => void;
  /** There is a new connection to pulse. */
  readonly connected: () => void;
  /** Something that a report shows is new. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

export interface PulseSide extends Disposable {
  readonly connection: PulseConnection;
  /** Addresses in pulse's table. */
  readonly announced: number;
  /** Plans these addresses again, at once. */
  touch(addresses: Iterable<Address>): void;
  /** The Service's packets are forwarded from now on. */
  forwarded(service: ServiceKey): void;
  /** The Service's object changed. */
  serviceChanged(service: ServiceKey): void;
  /** The nodes, once they are all known, and whenever they change. */
  nodesChanged(): void;
}

export function createPulseSide(options: PulseSideOptions): PulseSide {
  const { node, follower, statuses, events, reportedBefore, log, signal } = options;
  const { world, addresses: index } = follower;

  const connection = createPulseConnection({
    connect: options.connect,
    node,
    keyFile: options.keyFile,
    log,
    async linked(isWarm) {
      // It answers by the table that it has: ours is better only once it is whole.
      if (isWarm) await options.kernelBegun();
      if (connection.isConnected) announcements.linked();
    },
    unlinked: () => announcements.unlinked(),
    livesChanged: options.livesChanged,
    ownedChanged(changed, { upserts }) {
      for (const owned of upserts) if (changed.has(owned.address)) options.gained(owned);
      report.ownedChanged(changed);
      reconcile();
    },
    leasesTold: options.leasesTold,
    bfdTold: options.bfdTold,
    connected: options.connected,
    changed: options.changed,
  });

  const announcements = createAnnouncements({
    world,
    index,
    isHealthy: options.isHealthy,
    isForwarded: options.isForwarded,
    isOwned: (address) => connection.ownership.addresses.has(address),
    send: (message) => connection.send(message),
    signal,
  });

  void options.kernelBegun().then(() => announcements.complete());

  const report = createOwnershipReport({
    node,
    index,
    owned: connection.ownership.addresses,
    statuses,
    events,
  });
  void reportedBefore.then(report.adopt);

  let isReconciled = false;
  /** Once both the Services and what pulse owns are known. */
  const reconcile = (): void => {
    if (isReconciled || !world.complete || !connection.isHeard) return;
    isReconciled = true;
    report.reconcile();
  };

  return {
    connection,
    get announced() {
      return announcements.size;
    },
    touch: announcements.touch,
    forwarded: announcements.forwarded,
    serviceChanged: report.serviceChanged,
    nodesChanged() {
      const members = [...world.nodes.values()]
        .filter(({ isMember }) => isMember)
        .map(({ name, addresses }) => ({ name, addresses: addresses.map(formatAddress) }));
      connection.configure(members);
      reconcile();
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}
