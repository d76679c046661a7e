// Tells the world which Services this node answers for: a ServiceL2Status each, and an event when one comes here.
import type { AddressIndex } from '../announce/address-index.ts';
import { serviceL2Status, serviceL2StatusName } from '../api/status.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import { addressOfKey, sharesPerAddress } from '../model/share.ts';
import type { EventPort, ObjectEvent } from '../model/status.ts';
import type { LinkOwned } from '../pulse/link.ts';
import { moveSentence, moveSentenceWithTime } from './move-sentence.ts';
import type { StatusWriter } from './status-writer.ts';

export interface OwnershipReportOptions {
  readonly node: string;
  readonly index: AddressIndex;
  /** By address, what pulse says that this node answers for of it. */
  readonly owned: ReadonlyMap<string, readonly LinkOwned[]>;
  readonly statuses: StatusWriter;
  readonly events: EventPort;
}

export interface OwnershipReport {
  /**
   * The Services for which this node's ServiceL2Status was there at the start, left by an earlier agent. Nothing is
   * reported before they are known.
   */
  adopt(services: Iterable<ServiceKey>): void;
  /** What has these keys came, went or changed. */
  ownedChanged(keys: Iterable<string>): void;
  /** The Service's addresses may be others now. */
  serviceChanged(service: ServiceKey): void;
  /** The Services and pulse's answers are known now: what was reported before and is not so any more is taken back. */
  reconcile(): void;
}

export function createOwnershipReport(options: OwnershipReportOptions): OwnershipReport {
  const { node, index, owned, statuses, events } = options;
  /** The interfaces and shares that the Service's status names; `unknown` where an earlier agent wrote it. */
  const reported = new Map<ServiceKey, string>();
  /** By Service, when the last takeover was from a node whose report has been taken back. */
  const lastTakeover = new Map<ServiceKey, number>();
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
      lastTakeover.delete(service);
      if (!isReconciled || !reported.delete(service)) return;
      statuses.remove('ServiceL2Status', '', serviceL2StatusName(node, namespace, name));
      return;
    }
    const interfaces = [...new Set(mine.flatMap((entry) => entry.interfaces))].sort();
    const shares = sharesOf(mine);
    const before = reported.get(service);
    // A dead node cannot take its own report back; one that has come back since may have other shares.
    const last = lastTakeover.get(service) ?? 0;
    const takeovers = mine.filter(({ cause, since }) => cause === 'takeover' && since > last);
    const now = [...interfaces, ...shares.entries()].join();
    if (before === now && takeovers.length === 0) return;
    reported.set(service, now);
    const why = whyOf(mine);
    statuses.put(serviceL2Status({ node, namespace, name, interfaces, why, shares }));
    if (takeovers.length > 0) lastTakeover.set(service, Math.max(...takeovers.map(({ since }) => since)));
    for (const from of new Set(takeovers.flatMap(({ from }) => from ?? [])))
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
    ownedChanged(keys) {
      const services = new Set<ServiceKey>();
      for (const text of new Set([...keys].map(addressOfKey))) {
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

const isShare = ({ address: key }: LinkOwned): boolean => addressOfKey(key) !== key;

/** By address, how many shares of it: of those that are spread. */
function sharesOf(mine: readonly LinkOwned[]): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { address: key } of mine.filter(isShare))
    shares.set(addressOfKey(key), (shares.get(addressOfKey(key)) ?? 0) + 1);
  return shares;
}

/** Shares come one by one: so many times would tell nobody anything. */
const whyOf = (mine: readonly LinkOwned[]): string =>
  [
    ...new Set(mine.map((owned) => (isShare(owned) ? moveSentence(owned) : moveSentenceWithTime(owned)))),
  ].join(' ');

function nodeAssigned(
  node: string,
  namespace: string,
  name: string,
  mine: readonly LinkOwned[],
): ObjectEvent {
  const shares = sharesOf(mine);
  const addresses = [
    ...mine.filter((owned) => !isShare(owned)).map(({ address }) => address),
    ...[...shares].map(([address, count]) => `${count} of ${sharesPerAddress} shares of ${address}`),
  ].join(' and ');
  const why = [...new Set(mine.map(moveSentence))].join(' ');
  const message = `Node ${node} answers for ${addresses} with protocol layer2. ${why}`;
  return { kind: 'Service', namespace, name, type: 'Normal', reason: 'nodeAssigned', message };
}
