// Events in a Kubernetes API, in the background: they inform people, so they are never waited for, few at a time, and not
// without end.
import type { ApiClient } from '../kubernetes/client.ts';
import { createEvent } from '../kubernetes/event.ts';
import { getObject } from '../kubernetes/objects.ts';
import { type ApiReason, type ApiResult, apiSentence } from '../kubernetes/reason.ts';
import { services } from '../kubernetes/resource.ts';
import { serviceKey } from '../model/service.ts';
import type { EventPort, ObjectEvent } from '../model/status.ts';
import { createEventLimit } from './event-limit.ts';
import { type ServiceVersion, type ServiceVersions, versionOf } from './service-versions.ts';

export interface KubernetesEventsOptions {
  readonly client: ApiClient;
  /** An event was not written, and is not tried again; why, as a sentence. */
  readonly failed: (event: ObjectEvent, why: string) => void;
  /** More wait than can be written: told once, until there is room again. */
  readonly dropped: (waiting: number) => void;
  /** What is known of the Services, which need not be asked for then. */
  readonly versions?: ServiceVersions;
  readonly component: 'gantry-controller' | 'gantry-agent';
  /** The pod that this is, for who reads the events. */
  readonly host?: string;
}

export interface KubernetesEvents extends EventPort, AsyncDisposable {
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
}

/** Beside the statuses, which come first. */
const parallelWrites = 4;

/** Beyond this the newest are dropped: statuses tell what is so. */
const mostWaiting = 20_000;

/** Events of Services. One that cannot be written is told of and not tried again; disposing drops those that wait. */
export function kubernetesEvents(options: KubernetesEventsOptions): KubernetesEvents {
  const { client, host, component, versions } = options;
  const mayWrite = createEventLimit();
  const waiting: ObjectEvent[] = [];
  const underWay = new Set<Promise<void>>();
  const stop = new AbortController();
  const source = { component, ...(host !== undefined && { host }) };
  let dropped = 0;

  const failed = (event: ObjectEvent, reason: ApiReason): void => {
    // Who is gone has nobody who reads of him.
    if (reason.kind === 'not-found' || reason.kind === 'aborted') return;
    options.failed(event, apiSentence(reason));
  };

  /** People find an object's events by its uid. */
  const identify = async ({ namespace, name }: ObjectEvent): Promise<ApiResult<ServiceVersion>> => {
    const known = versions?.get(serviceKey(namespace, name));
    if (known !== undefined) return { ok: true, value: known };
    const found = await getObject(client, services, { namespace, name }, stop.signal);
    return found.ok ? { ok: true, value: versionOf(found.value) } : found;
  };

  const write = async (event: ObjectEvent): Promise<void> => {
    const about = await identify(event);
    if (!about.ok) return failed(event, about.reason);
    const { namespace, name } = event;
    const { uid, resourceVersion } = about.value;
    const { apiVersion, kind } = services;
    const outcome = await createEvent(
      client,
      { apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } },
      event,
      source,
      new Date(),
      stop.signal,
    );
    if (!outcome.ok) failed(event, outcome.reason);
  };

  const pump = (): void => {
    while (underWay.size < parallelWrites) {
      const event = waiting.shift();
      if (event === undefined) return;
      const done: Promise<void> = write(event).finally(() => {
        underWay.delete(done);
        pump();
      });
      underWay.add(done);
    }
  };

  const idle = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay);
  };

  return {
    idle,
    record(event) {
      if (stop.signal.aborted || !mayWrite(serviceKey(event.namespace, event.name), client.clock.now()))
        return;
      if (waiting.length < mostWaiting) {
        dropped = 0;
        waiting.push(event);
        pump();
        return;
      }
      dropped += 1;
      if (dropped === 1) options.dropped(mostWaiting);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      waiting.length = 0;
      await idle();
    },
  };
}
