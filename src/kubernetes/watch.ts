// One watch: what happens to a kind's objects, as the server tells it, until the connection ends.
import { type ApiObject, asApiObject, isRecord, parseJson } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { readPieces } from './http/body.ts';
import { createLineScanner } from './json/lines.ts';
import { acceptOf, brokenOff, type Selection, selectors } from './list.ts';
import { type ApiReason, type ApiResult, done, refused } from './reason.ts';
import { collectionPath } from './resource.ts';
import { reasonOfStatus } from './status-object.ts';
import { createTimeSlice } from './time-slice.ts';

export type WatchEvent =
  | { readonly type: 'put'; readonly object: ApiObject }
  | { readonly type: 'delete'; readonly object: ApiObject }
  /** Nothing but the version up to which all has been told; `isInitialEnd`: what was there at first is whole now. */
  | { readonly type: 'bookmark'; readonly version: string; readonly isInitialEnd: boolean };

export interface WatchOptions {
  readonly selection: Selection;
  /** A version: what happened after it. `all`: first everything there is, then a bookmark, then what happens. */
  readonly from: { readonly version: string } | 'all';
  /** For so long at most; then it ends as if the server had ended it. */
  readonly milliseconds: number;
  /** What has come is dealt with, for now. */
  readonly beforePause?: () => void;
  /** The server has accepted the watch. */
  readonly accepted?: () => void;
}

/**
 * Resolves with `ended` where the server, or the time, ended the watch properly: it is to be resumed then. `handle`
 * may end it with a reason of its own.
 */
export async function watchObjects(
  client: ApiClient,
  options: WatchOptions,
  handle: (event: WatchEvent, at: string) => ApiReason | undefined,
  signal: AbortSignal,
): Promise<ApiResult<'ended'>> {
  const { selection, from, milliseconds, beforePause } = options;
  const answer = await client.send(
    {
      method: 'GET',
      path: collectionPath(selection.resource, selection.namespace),
      query: {
        ...selectors(selection),
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: Math.ceil(milliseconds / 1000).toString(),
        ...(from === 'all'
          ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
          : { resourceVersion: from.version }),
      },
      accept: acceptOf(selection, 'object'),
    },
    signal,
  );
  if (!answer.ok) return answer;
  const { at, body } = answer.value;
  options.accepted?.();
  const lines = createLineScanner();
  const slice = createTimeSlice();
  let failed: ApiReason | undefined;
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    body.destroy();
  }, milliseconds);
  const failure = await readPieces(body, client.timing.watchPieceMilliseconds, async (piece) => {
    for (const line of lines.push(piece)) {
      const event = readEvent(line, at, selection);
      failed = 'kind' in event ? event : handle(event, at);
      if (failed !== undefined) return 'stop';
      if (slice.isOver()) {
        beforePause?.();
        await slice.next();
      }
    }
    beforePause?.();
    return undefined;
  }).finally(() => clearTimeout(timer));
  if (signal.aborted) return refused({ kind: 'aborted' });
  if (failed !== undefined) return refused(failed);
  if (failure === undefined || isOver) return done('ended');
  return refused(brokenOff(at, failure.code, client.timing.watchPieceMilliseconds));
}

/** The annotation that tells the end of what was there at first (KEP-3157). */
const initialEnd = 'k8s.io/initial-events-end';

function readEvent(line: string, at: string, { resource }: Selection): WatchEvent | ApiReason {
  const event = parseJson(line);
  const unreadable = (): ApiReason => ({ kind: 'unreadable', at, cause: `no event: ${line.slice(0, 80)}` });
  if (!isRecord(event)) return unreadable();
  const { type, object: value } = event;
  if (type === 'ERROR') return reasonOfStatus(at, 500, value);
  if (type === 'BOOKMARK') {
    const metadata = isRecord(value) ? value['metadata'] : undefined;
    const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
    if (!isRecord(metadata) || typeof version !== 'string' || version === '') return unreadable();
    const notes = metadata['annotations'];
    return { type: 'bookmark', version, isInitialEnd: isRecord(notes) && notes[initialEnd] === 'true' };
  }
  const object = asApiObject(value, resource);
  if (object === undefined) return unreadable();
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'put', object };
  return type === 'DELETED' ? { type: 'delete', object } : unreadable();
}
