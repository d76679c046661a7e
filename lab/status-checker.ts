// Judges what controllers write about Services, by the API's own record of it and by nothing that they decide with.
import type { WatchEvent } from './control-plane/api-client.ts';

export interface WatchedService {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly uid: string };
  readonly spec: { readonly loadBalancerIP?: string };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] };
    readonly conditions?: readonly { readonly message: string }[];
  };
}

export interface StatusChecker {
  /** To be called with each event of a watch on Services, in their order. */
  take(event: WatchEvent<WatchedService>): void;
  /** Where a watch could not go on: all Services that there are now, whatever came between. */
  takeAll(objects: readonly WatchedService[]): void;
  /** What was wrong at any time, as sentences. */
  readonly faults: readonly string[];
  /** The addresses of each Service that there is, by `namespace/name`. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Services that have no address, though the pool of these addresses has one that they could have. */
  neglected(pool: readonly string[]): string[];
  /** How often a Service's addresses became others. */
  readonly changes: number;
  /** How often anything of a Service changed. */
  readonly events: number;
}

/** `isStable`: an address that no change of a pool could take away, so a Service keeps it while it asks for no other. */
export function createStatusChecker(isStable: (address: string) => boolean): StatusChecker {
  const faults: string[] = [];
  const addresses = new Map<string, readonly string[]>();
  const services = new Map<string, WatchedService>();
  const holders = new Map<string, string>();
  /** What each asked for when it was given what it has. */
  const asked = new Map<string, string>();
  let changes = 0;
  let events = 0;

  const leave = (key: string): void => {
    for (const address of addresses.get(key) ?? []) if (holders.get(address) === key) holders.delete(address);
    addresses.delete(key);
    services.delete(key);
  };

  const note = (object: WatchedService, before: readonly string[]): void => {
    const key = keyOf(object);
    const now = (object.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
    for (const address of now) {
      const holder = holders.get(address);
      if (holder !== undefined) faults.push(`${address} was given to ${key} while ${holder} had it`);
      holders.set(address, key);
    }
    addresses.set(key, now);
    services.set(key, object);
    if (now.join() === before.join()) return;
    changes += 1;
    const request = `${object.metadata.uid} ${object.spec.loadBalancerIP}`;
    const isSame = asked.get(key) === request;
    asked.set(key, request);
    for (const address of before)
      if (isSame && isStable(address) && !now.includes(address))
        faults.push(
          `${key} lost ${address}, and has ${now.join(', ') || 'none'} instead, without cause: ${reasonOf(object)}`,
        );
  };

  return {
    faults,
    addresses,
    get changes() {
      return changes;
    },
    get events() {
      return events;
    },
    neglected(pool) {
      const free = pool.filter((address) => !holders.has(address));
      return [...services].flatMap(([key, { spec }]) => {
        if ((addresses.get(key) ?? []).length > 0) return [];
        const { loadBalancerIP: wanted } = spec;
        const isServable = wanted === undefined ? free.length > 0 : free.includes(wanted);
        return isServable ? key : [];
      });
    },
    take({ type, object }) {
      if (type === 'BOOKMARK' || type === 'ERROR') return;
      events += 1;
      const key = keyOf(object);
      const before = addresses.get(key) ?? [];
      leave(key);
      if (type !== 'DELETED') note(object, before);
    },
    takeAll(objects) {
      const before = new Map(addresses);
      for (const key of before.keys()) leave(key);
      for (const object of objects) note(object, before.get(keyOf(object)) ?? []);
    },
  };
}

const keyOf = ({ metadata: { namespace = '', name } }: WatchedService): string => `${namespace}/${name}`;

/** What the status itself says of it. */
const reasonOf = ({ status }: WatchedService): string =>
  status?.conditions?.map(({ message }) => message).join(' ') || 'nothing is said of it';
