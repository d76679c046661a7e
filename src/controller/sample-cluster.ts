// A cluster in memory for tests: objects, statuses that come back to whoever reads, a lock, events, time. It behaves:
// statuses outlive controllers, a source sees what is written, writes take time and can fail, and power can.
import { allocatedOf } from '../api/status.ts';
import type { Allocated, Service, ServiceKey } from '../model/service.ts';
import type { ObjectEvent, StatusObject, StatusPort } from '../model/status.ts';
import type { Change } from '../model/world.ts';
import type { Source, SourceListener } from '../sources/source.ts';
import type { Clock } from './clock.ts';
import type { ControllerLock } from './lock.ts';
import type { WrittenStatuses } from './written-statuses.ts';

export class SampleCluster {
  readonly objects = new Map<string, Change>();
  /** By kind, namespace and name. */
  readonly statuses = new Map<string, StatusObject>();
  readonly events: ObjectEvent[] = [];
  /** Every write and removal that was done, in order. */
  readonly history: string[] = [];
  /** Statuses that cannot be written. */
  readonly broken = new Set<string>();
  isLocked = false;
  /** How many turns of the event loop each write takes, one after the other, and from the beginning again. */
  writeTurns: readonly number[] = [1];
  #writes = 0;
  /** Counts controllers that were killed: what an earlier one began does not end. */
  #life = 0;
  readonly #readers = new Set<SourceListener>();
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  #now = Date.parse('2026-01-01T00:00:00Z');

  constructor(...changes: readonly Change[]) {
    this.apply(...changes);
  }

  apply(...changes: readonly Change[]): void {
    for (const change of changes) {
      const id = `${change.kind} ${change.key}`;
      if (change.object === undefined) this.objects.delete(id);
      else this.objects.set(id, change);
    }
    this.#tell(changes);
  }

  /** For one controller: what it begins after it was killed does not end either. */
  get status(): StatusPort {
    const life = this.#life;
    return {
      advice: 'Empty the disk.',
      put: (object) => {
        const { namespace, name } = object.metadata;
        const id = `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
        return this.#write(life, id, () => this.statuses.set(id, object));
      },
      remove: (kind, namespace, name) => {
        const id = `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
        return this.#write(life, id, () => this.statuses.delete(id));
      },
    };
  }

  readonly written: WrittenStatuses = {
    keys: async (kind) =>
      [...this.statuses.keys()].flatMap((id) => (id.startsWith(`${kind} `) ? id.slice(kind.length + 1) : [])),
    allocated: async (service) => this.#allocated(service),
  };

  readonly clock: Clock = {
    now: () => this.#now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const sleeper = { until: this.#now + milliseconds, wake: resolve };
        this.#sleepers.add(sleeper);
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      }),
  };

  /** Power failure of all controllers at once: their writes do not end, they hear nothing more, the lock is free. */
  kill(): void {
    this.#life += 1;
    this.#readers.clear();
    this.#sleepers.clear();
    this.isLocked = false;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  readonly lock: ControllerLock = {
    tryAcquire: async () => {
      if (this.isLocked) return undefined;
      this.isLocked = true;
      return {
        [Symbol.asyncDispose]: async () => {
          this.isLocked = false;
        },
      };
    },
  };

  /** `cut`: the first list comes in two halves, and the second only with `complete`. */
  source(cut?: { complete: () => void }): Source {
    let mine: SourceListener | undefined;
    return {
      start: async (listener) => {
        mine = listener;
        const all = [...this.objects.values()].map((change) => this.#withStatus(change));
        if (cut === undefined) listener.batch({ changes: all, complete: true });
        else {
          const middle = all.length >> 1;
          listener.batch({ changes: all.slice(0, middle), complete: false });
          cut.complete = () => listener.batch({ changes: all.slice(middle), complete: true });
        }
        listener.problems([]);
        this.#readers.add(listener);
      },
      [Symbol.asyncDispose]: async () => {
        if (mine !== undefined) this.#readers.delete(mine);
      },
    };
  }

  /** What the Service's status says, as in `192.0.2.1 from p`; undefined without one. */
  claimOf(service: ServiceKey): string | undefined {
    const object = this.statuses.get(`Service ${service}`);
    const status = object?.['status'] as { loadBalancer: { ingress: { ip: string }[] } } | undefined;
    const addresses = status?.loadBalancer.ingress.map(({ ip }) => ip).join('+');
    if (addresses === undefined) return undefined;
    const pool = object?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'];
    return addresses === '' ? 'nothing' : `${addresses} from ${pool}`;
  }

  eventsOn(service: ServiceKey): string[] {
    return this.events
      .filter(({ namespace, name }) => `${namespace}/${name}` === service)
      .map(({ type, reason }) => `${type} ${reason}`);
  }

  async #write(life: number, id: string, write: () => void): Promise<void> {
    const turns = this.writeTurns[this.#writes % this.writeTurns.length] ?? 1;
    this.#writes += 1;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (life !== this.#life) await new Promise(() => {});
    if (this.broken.has(id)) throw new Error('the disk is full');
    write();
    this.history.push(id);
    const change = this.objects.get(id);
    if (change !== undefined) this.#tell([change]);
  }

  #tell(changes: readonly Change[]): void {
    const told = changes.map((change) => this.#withStatus(change));
    for (const reader of this.#readers) reader.batch({ changes: told, complete: true });
  }

  #withStatus(change: Change): Change {
    if (change.kind !== 'Service' || change.object === undefined) return change;
    const object: Service = { ...change.object, allocated: this.#allocated(change.key) };
    return { kind: 'Service', key: change.key, object };
  }

  #allocated(service: ServiceKey): Allocated {
    return allocatedOf(this.statuses.get(`Service ${service}`)).object ?? { addresses: [], pool: undefined };
  }
}
