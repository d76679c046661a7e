// Events, as `kubectl describe` shows them: what a controller has done about an object, and why not.
import type { ApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { createObject, mergePatch } from './objects.ts';
import type { ApiResult } from './reason.ts';
import { events } from './resource.ts';

export interface EventContent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, such as `IPAllocated`. */
  readonly reason: string;
  /** Cut to the 1,024 bytes that the server takes. */
  readonly message: string;
}

export interface EventSource {
  /** The program's name, as in `metallb-controller`. */
  readonly component: string;
  /** The node, or the pod, that it runs on. */
  readonly host?: string;
}

/** Events of objects without a namespace go to `default`. The name is made so that no two are the same. */
export function createEvent(
  client: ApiClient,
  about: ApiObject,
  { type, reason, message }: EventContent,
  source: EventSource,
  now: Date,
  signal?: AbortSignal,
): Promise<ApiResult<ApiObject>> {
  const { apiVersion, kind, metadata } = about;
  const namespace = metadata.namespace ?? 'default';
  const time = timeOf(now);
  const unique = `${now.getTime().toString(16)}${Math.floor(client.clock.random() * 2 ** 32).toString(16)}`;
  return createObject(
    client,
    events,
    {
      // A name may have 253 characters, and the object's own nearly as many.
      metadata: { namespace, name: `${metadata.name.slice(0, 220)}.${unique}` },
      involvedObject: {
        apiVersion,
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      type,
      reason,
      message: cut(message),
      source,
      reportingComponent: source.component,
      reportingInstance: source.host ?? '',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    },
    { ...(signal && { signal }) },
  );
}

/** The same has happened again: `count` times by now. `not-found` where the server has forgotten the event (an hour). */
export const repeatEvent = (
  client: ApiClient,
  event: ApiObject,
  count: number,
  now: Date,
  signal?: AbortSignal,
): Promise<ApiResult<ApiObject>> =>
  mergePatch(
    client,
    events,
    event.metadata,
    { count, lastTimestamp: timeOf(now) },
    { ...(signal && { signal }) },
  );

/** In whole seconds, as the field is. */
const timeOf = (now: Date): string => `${now.toISOString().slice(0, 19)}Z`;

const longestMessageBytes = 1024;

function cut(message: string): string {
  if (Buffer.byteLength(message) <= longestMessageBytes) return message;
  const bytes = Buffer.from(message).subarray(0, longestMessageBytes - 3);
  // A character that was cut in two.
  return `${bytes.toString('utf8').replace(/\ufffd$/, '')}…`;
}
