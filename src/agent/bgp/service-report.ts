// Tells the world which peers have been told of which Services: a ServiceBGPStatus each, and an event with the first.
import type { AddressIndex } from '../../announce/address-index.ts';
import { serviceBgpStatus, serviceBgpStatusName } from '../../api/status.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import type { EventPort } from '../../model/status.ts';
import type { StatusWriter } from '../status-writer.ts';

export interface ServiceReport {
  /** What an earlier agent left is known now, and so are the routes. */
  reconcile(before: Iterable<ServiceKey>): void;
  addressChanged(address: Address): void;
  serviceChanged(service: ServiceKey): void;
  /** Other peers than before have their table: all is looked at again. */
  peersChanged(): void;
}

export interface ServiceReportOptions {
  readonly node: string;
  readonly index: AddressIndex;
  /** The peers that have been told of the address, sorted; undefined while that is under way. */
  readonly peersOf: (address: Address) => readonly string[] | undefined;
  readonly statuses: StatusWriter;
  readonly events: EventPort;
}

/** So many changes of a moment are looked at together. */
const gatherMilliseconds = 50;

export function createServiceReport(options: ServiceReportOptions): ServiceReport {
  const { node, index, statuses, events } = options;
  const reported = new Map<ServiceKey, string>();
  /** Those that an earlier agent announced: that this node does is no news, though its sessions begin anew. */
  const known = new Set<ServiceKey>();
  const dirty = new Set<ServiceKey>();
  let isReconciled = false;
  let timer: NodeJS.Timeout | undefined;

  const look = (service: ServiceKey): void => {
    const [namespace = '', name = ''] = service.split('/', 2);
    const addresses = index.addressesOf(service);
    const told = addresses.map((address) => options.peersOf(address));
    if (told.includes(undefined)) return;
    const peers = [...new Set(told.flatMap((names) => names ?? []))].sort();
    const before = reported.get(service);
    if (peers.length === 0) {
      if (!reported.delete(service)) return;
      statuses.remove('ServiceBGPStatus', '', serviceBgpStatusName(node, namespace, name));
      return;
    }
    if (before === peers.join()) return;
    reported.set(service, peers.join());
    statuses.put(serviceBgpStatus({ node, namespace, name, peers }));
    if (before !== undefined || known.delete(service)) return;
    const message = `Node ${node} announces ${addresses.map(formatAddress).join(' and ')} with protocol bgp to ${peers.join(', ')}.`;
    events.record({ kind: 'Service', namespace, name, type: 'Normal', reason: 'nodeAssigned', message });
  };
  const touch = (services: Iterable<ServiceKey>): void => {
    for (const service of services) dirty.add(service);
    if (timer !== undefined || !isReconciled) return;
    timer = setTimeout(() => {
      timer = undefined;
      const now = [...dirty];
      dirty.clear();
      for (const service of now) look(service);
    }, gatherMilliseconds);
    timer.unref();
  };

  return {
    reconcile(before) {
      isReconciled = true;
      for (const service of before) {
        reported.set(service, 'unknown');
        known.add(service);
      }
      touch([...reported.keys()]);
    },
    addressChanged: (address) => touch(index.servicesOf(address)),
    serviceChanged: (service) => touch([service]),
    peersChanged() {
      for (const address of index.addresses()) touch(index.servicesOf(address));
      touch(reported.keys());
    },
  };
}
