// Writes to each Service's status what was decided, and records its events; only what changed.
import { serviceStatus } from '../api/status.ts';
import { type Decision, sameAllocation } from '../ipam/outcome.ts';
import type { Address } from '../model/address.ts';
import type { Allocated, ObjectVersion, Service, ServiceKey } from '../model/service.ts';
import type { Condition, EventPort, StatusPort } from '../model/status.ts';
import type { Clock } from './clock.ts';
import { allocatedBy, conditionsOf, type EventText, eventsOf, saysTheSame, timed } from './service-report.ts';
import type { StatusWriter } from './status-writer.ts';

export interface ServiceStatusesOptions {
  readonly writer: StatusWriter;
  readonly status: StatusPort;
  readonly events: EventPort;
  readonly clock: Clock;
}

interface Said {
  readonly allocated: Allocated;
  /** Undefined: written by an earlier process, which said what it decided; only the addresses are read back. */
  readonly conditions: readonly Condition[] | undefined;
}

const nothingAllocated: Allocated = { addresses: [], pool: undefined };

export class ServiceStatuses {
  readonly #options: ServiceStatusesOptions;
  /** Of each Service that is ours, what its status says or is about to say. */
  readonly #said = new Map<ServiceKey, Said>();
  readonly #leftOver = new Set<ServiceKey>();
  /** The version of each Service that was decided about last, where versions are counted. */
  readonly #versions = new Map<ServiceKey, ObjectVersion>();
  /** Legacy annotations that people were warned of. */
  readonly #warned = new Map<ServiceKey, string>();

  constructor(options: ServiceStatusesOptions) {
    this.#options = options;
  }

  /** Services that have a status already: it is removed by `removeLeftOvers`, unless they are reported before. */
  adopt(services: readonly ServiceKey[]): void {
    for (const key of services) this.#leftOver.add(key);
  }

  /** To be called when all Services that there are have been reported. What a status claims goes with it only. */
  async removeLeftOvers(claimed: (service: ServiceKey) => Promise<Allocated>): Promise<void> {
    for (const key of this.#leftOver) {
      const { addresses } = await claimed(key);
      this.#options.writer.assume(statusId(key), addresses.map(claimOf));
      this.#remove(key);
    }
    this.#leftOver.clear();
  }

  /** `service` is undefined where it is gone. */
  report(decision: Decision, service: Service | undefined): void {
    const { service: key, outcome } = decision;
    const hasStatus = this.#leftOver.delete(key) || (service?.allocated.addresses.length ?? 0) > 0;
    for (const event of eventsOf(decision)) this.#record(key, event);
    if (service?.version === undefined) this.#versions.delete(key);
    else this.#versions.set(key, service.version);
    switch (outcome.kind) {
      case 'gone':
        if (this.#said.delete(key)) this.#remove(key);
        this.#warned.delete(key);
        return;
      case 'not-ours':
        // What another load balancer wrote is left alone.
        if (decision.changed || (hasStatus && outcome.reason.kind === 'not-load-balancer'))
          this.#say(key, { allocated: nothingAllocated, conditions: [] });
        return;
      case 'allocated':
      case 'refused':
        if (service !== undefined) this.#reportOurs(decision, service);
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Of the Service's events only one is about writing. */
  notWritten(key: ServiceKey, error: unknown): void {
    const message = `The status cannot be written: ${String(error)}. ${this.#options.status.advice}`;
    this.#record(key, { type: 'Warning', reason: 'InternalError', message });
  }

  #reportOurs({ outcome, changed }: Decision, service: Service): void {
    const { key } = service;
    this.#warnOfLegacy(service);
    if (!this.#said.has(key) && service.allocated.addresses.length > 0) {
      this.#said.set(key, { allocated: service.allocated, conditions: undefined });
      this.#options.writer.assume(statusId(key), service.allocated.addresses.map(claimOf));
    }
    const said = this.#said.get(key);
    const conditions = timed(conditionsOf(outcome), said?.conditions ?? [], this.#now());
    const next = { allocated: allocatedBy(outcome), conditions };
    const before = said?.conditions === undefined ? undefined : { ...said, conditions: said.conditions };
    const isSaid = before === undefined ? said !== undefined && !changed : saysTheSame(before, next);
    // Someone else may have changed the status; or it has not come back to us yet, and is written once more.
    if (isSaid && sameAllocation(service.allocated, next.allocated)) return;
    this.#say(key, next);
  }

  #say(key: ServiceKey, said: Said & { readonly conditions: readonly Condition[] }): void {
    this.#said.set(key, said);
    const { addresses, pool } = said.allocated;
    this.#options.writer.put(statusId(key), {
      claims: addresses.map(claimOf),
      write: (claims) => {
        const allowed = addresses.filter((address) => claims.includes(claimOf(address)));
        const allocated = allowed.length === 0 ? nothingAllocated : { addresses: allowed, pool };
        return this.#options.status.put(
          serviceStatus({
            ...nameOf(key),
            allocated,
            conditions: said.conditions,
            version: this.#versions.get(key),
          }),
        );
      },
    });
  }

  #remove(key: ServiceKey): void {
    const { namespace, name } = nameOf(key);
    const write = (): Promise<void> => this.#options.status.remove('Service', namespace, name);
    this.#options.writer.put(statusId(key), { claims: [], write });
  }

  #warnOfLegacy({ key, request: { legacyAnnotations } }: Service): void {
    const listed = legacyAnnotations.join(', ');
    if (listed === (this.#warned.get(key) ?? '')) return;
    this.#warned.set(key, listed);
    if (listed === '') return;
    const message = `The prefix metallb.universe.tf/ is deprecated: write ${listed.replaceAll('metallb.universe.tf/', 'metallb.io/')} instead.`;
    this.#record(key, { type: 'Warning', reason: 'deprecatedAnnotation', message });
  }

  #record(key: ServiceKey, event: EventText): void {
    this.#options.events.record({ kind: 'Service', ...nameOf(key), ...event });
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

const idPrefix = 'Service ';
const statusId = (key: ServiceKey): string => idPrefix + key;

/** The Service whose status a writer's id is; undefined for another object's. */
export const serviceOfStatusId = (id: string): ServiceKey | undefined =>
  id.startsWith(idPrefix) ? id.slice(idPrefix.length) : undefined;

const claimOf = ({ family, value }: Address): string => `${family} ${value}`;

function nameOf(key: ServiceKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
