// Tells the world which Services this node answers for: a ServiceL2Status each, and an event when one comes here.
import type { AddressIndex } from '../announce/address-index.ts';
import { serviceL2Status, serviceL2StatusName } from '../api/status.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import type { EventPort, ObjectEvent } from '../model/status.ts';
import type { LinkOwned } from '../pulse/link.ts';
import { moveSentence, moveSentenceWithTime } from './move-sentence.ts';
import type { StatusWriter } from './status-writer.ts';

export interface OwnershipReportOptions {
  readonly node: string;
  readonly index: AddressIndex;
  /** What pulse says that this node answers for. */
  readonly owned: ReadonlyMap<string, LinkOwned>;
  readonly statuses: StatusWriter;
  readonly events: EventPort;
}

export interface OwnershipReport {
  /**
   * The Services for which this node's ServiceL2Status was there at the start, left by an earlier agent. Nothing is
   * reported before they are known.
   */
  adopt(services: Iterable<ServiceKey>): void;
  /** These addresses came, went or changed. */
  addressesChanged(addresses: Iterable<string>): void;
  /** The Service's addresses may be others now. */
  serviceChanged(service: ServiceKey): void;
  /** The Services and pulse's answers are known now: what was reported before and is not so any more is taken back. */
  reconcile(): void;
}

export function createOwnershipReport(options: OwnershipReportOptions): OwnershipReport {
  const { node, index, owned, statuses, events } = options;
  /** The interfaces that the Service's status names; `unknown` where an earlier agent wrote it. */
  const reported = new Map<ServiceKey, string>();
  /** What changed before it was known what was reported; undefined: it is known. */
  let early: Set<ServiceKey> | undefined = new Set();
  /** Until then it is not known what does not hold any more. */
  let isReconciled = false;

  const serviceChanged = (service: ServiceKey): void => {
    if (early !== undefined) {
      early.add(service);
      return;
    }
    const mine = index.addressesOf(service).flatMap((address) => owned.get(formatAddress(address)) ?? []);
    const [namespace = '', name = ''] = service.split('/', 2);
    if (mine.length === 0) {
      if (!isReconciled || !reported.delete(service)) return;
      statuses.remove('ServiceL2Status', '', serviceL2StatusName(node, namespace, name));
      return;
    }
    const interfaces = [...new Set(mine.flatMap((entry) => entry.interfaces))].sort();
    const before = reported.get(service);
    if (before === interfaces.join()) return;
    reported.set(service, interfaces.join());
    const why = [...new Set(mine.map(moveSentenceWithTime))].join(' ');
    statuses.put(serviceL2Status({ node, namespace, name, interfaces, why }));
    // A dead node cannot take its own report back.
    for (const from of deadOwners(mine))
      statuses.remove('ServiceL2Status', '', serviceL2StatusName(from, namespace, name));
    if (before === undefined) events.record(nodeAssigned(node, namespace, name, mine));
  };

  return {
    adopt(services) {
      const waiting = new Set([...services, ...(early ?? [])]);
      for (const service of services) reported.set(service, 'unknown');
      early = undefined;
      for (const service of waiting) serviceChanged(service);
    },
    serviceChanged,
    addressesChanged(addresses) {
      const services = new Set<ServiceKey>();
      for (const text of addresses) {
        const address = parseAddress(text);
        if (address === undefined) continue;
        for (const service of index.servicesOf(address)) services.add(service);
      }
      for (const service of services) serviceChanged(service);
    },
    reconcile() {
      isReconciled = true;
      for (const service of [...reported.keys()]) serviceChanged(service);
    },
  };
}

const deadOwners = (mine: readonly LinkOwned[]): Set<string> =>
  new Set(mine.flatMap(({ cause, from }) => (cause === 'takeover' && from !== undefined ? [from] : [])));

function nodeAssigned(
  node: string,
  namespace: string,
  name: string,
  mine: readonly LinkOwned[],
): ObjectEvent {
  const addresses = mine.map(({ address }) => address).join(' and ');
  const why = [...new Set(mine.map(moveSentence))].join(' ');
  const message = `Node ${node} answers for ${addresses} with protocol layer2. ${why}`;
  return { kind: 'Service', namespace, name, type: 'Normal', reason: 'nodeAssigned', message };
}
