// Follows all objects of a kind for as long as the program runs: read once, watched, resumed, and read anew if need be.
import { type ApiObject, isOlderVersion } from './api-object.ts';
import { backoffMilliseconds } from './backoff.ts';
import type { ApiClient } from './client.ts';
import { type CollectionChange, createKnownObjects } from './known-objects.ts';
import { listObjects, type Selection } from './list.ts';
import type { ApiReason, ApiResult } from './reason.ts';
import { type WatchEvent, watchObjects } from './watch.ts';

export interface CollectionBatch<T> {
  readonly changes: readonly CollectionChange<T>[];
  /** True from the batch on with which all that was there at first is whole; that one may hold no changes. */
  readonly complete: boolean;
}

/** How it goes, for logs and metrics. */
export type CollectionNotice =
  /** All was read; `how` says whether over the watch itself or by a list before it. */
  | { readonly kind: 'whole'; readonly objects: number; readonly how: 'stream' | 'list' }
  /** A watch has begun where the last one ended. */
  | { readonly kind: 'resumed'; readonly version: string }
  | { readonly kind: 'failed'; readonly reason: ApiReason; readonly retryMilliseconds: number };

export interface CollectionOptions<T> {
  readonly selection: Selection;
  /**
   * Makes of an object what is to be kept; undefined: nothing. Called once for each version of each object, and only
   * its result is held by anyone. A throw ends everything: it is for surprises.
   */
  readonly trim: (object: ApiObject) => T | undefined;
  /** Called in order; what comes within the same few milliseconds comes together. */
  readonly batch: (batch: CollectionBatch<T>) => void;
  readonly tell?: (notice: CollectionNotice) => void;
  /**
   * With which refusals there are no objects, for now: the server does not know the kind (its CRD is not installed), or they
   * may not be read.
   */
  readonly emptyWhen?: readonly ('not-found' | 'forbidden')[];
  readonly pageSize?: number;
}

const mostChangesAtOnce = 500;

/**
 * Resolves when the signal aborts, and not before, whatever the server does; rejects only with what a callback throws.
 * While the server is away everything stays as it was. After that only differences are told, also where everything had
 * to be read anew.
 */
export async function watchCollection<T>(
  client: ApiClient,
  options: CollectionOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { selection, tell = () => {} } = options;
  const { clock, timing } = client;
  const known = createKnownObjects(options.trim);
  let pending: CollectionChange<T>[] = [];
  let isComplete = false;
  /** The version from which to go on; undefined: everything has to be read. */
  let position: string | undefined;
  let readAllAt = 0;
  let streaming: 'wanted' | 'not-now' | 'refused' = 'wanted';
  /** Since when there is a watch; undefined: there is none yet. */
  let acceptedAt: number | undefined;

  const flush = (): void => {
    if (pending.length === 0) return;
    const changes = pending;
    pending = [];
    options.batch({ changes, complete: isComplete });
  };
  const add = (change: CollectionChange<T> | undefined): void => {
    if (change === undefined) return;
    pending.push(change);
    if (pending.length >= mostChangesAtOnce) flush();
  };
  const whole = (version: string | undefined, how: 'stream' | 'list'): void => {
    for (const change of known.endAll()) add(change);
    position = version;
    readAllAt = clock.now();
    const isFirst = !isComplete;
    isComplete = true;
    if (isFirst && pending.length === 0) options.batch({ changes: [], complete: true });
    flush();
    tell({ kind: 'whole', objects: known.size, how });
  };

  const handle = (event: WatchEvent, at: string): ApiReason | undefined => {
    if (event.type === 'bookmark') {
      if (position === undefined && event.isInitialEnd) whole(event.version, 'stream');
      else if (position !== undefined && !isOlderVersion(event.version, position)) position = event.version;
      return undefined;
    }
    const { object } = event;
    const version = object.metadata.resourceVersion;
    // Objects that were there at first come in any order, events never do.
    if (position !== undefined && isOlderVersion(version, position)) {
      const message = `an event of version ${version} came after one of ${position}`;
      return { kind: 'out-of-order', at, message };
    }
    add(event.type === 'put' ? known.put(object) : known.remove(object));
    if (position !== undefined) position = version;
    return undefined;
  };

  const watch = async (from: { readonly version: string } | 'all'): Promise<ApiResult<unknown>> =>
    watchObjects(
      client,
      {
        selection,
        from,
        milliseconds: timing.watchMilliseconds * (0.5 + clock.random() / 2),
        beforePause: flush,
        accepted() {
          acceptedAt = clock.now();
          if (from !== 'all') tell({ kind: 'resumed', version: from.version });
        },
      },
      handle,
      signal,
    );

  const readByStream = async (): Promise<ApiResult<unknown>> => {
    known.beginAll();
    const outcome = await watch('all');
    if (position !== undefined) return outcome;
    // Servers before 1.27 know nothing of it; some proxy may keep the bookmark that tells the end.
    if (outcome.ok || outcome.reason.kind === 'no-answer') streaming = 'not-now';
    if (!outcome.ok && outcome.reason.kind === 'invalid') streaming = 'refused';
    return outcome;
  };

  const readByList = async (): Promise<ApiResult<unknown>> => {
    if (streaming === 'not-now') streaming = 'wanted';
    known.beginAll();
    const { pageSize } = options;
    const outcome = await listObjects(
      client,
      { selection, beforePause: flush, ...(pageSize !== undefined && { pageSize }) },
      (object) => add(known.put(object)),
      signal,
    );
    if (outcome.ok) whole(outcome.value, 'list');
    return outcome;
  };

  let failures = 0;
  let retryMilliseconds = 0;
  while (!signal.aborted) {
    const began = clock.now();
    acceptedAt = undefined;
    const isAudit = position !== undefined && began - readAllAt >= timing.auditMilliseconds;
    if (isAudit) position = undefined;
    const isReading = position === undefined;
    const isListing = isReading && streaming !== 'wanted';
    const outcome = isListing
      ? await readByList()
      : position === undefined
        ? await readByStream()
        : await watch({ version: position });
    flush();
    if (signal.aborted) return;
    const lasted = clock.now() - began;
    // A list that succeeds is no end of failures: the watch from it may fail again, and lists cost the most.
    if (outcome.ok && isListing) continue;
    if (outcome.ok && lasted >= timing.firstDelayMilliseconds) {
      failures = 0;
      continue;
    }
    const reason: ApiReason = outcome.ok
      ? { kind: 'cut', at: `watch of ${selection.resource.plural}`, cause: 'it ended at once' }
      : outcome.reason;
    if (reason.kind === 'invalid' && isReading && !isListing) continue;
    if (reason.kind === 'expired' || reason.kind === 'version-too-large' || reason.kind === 'out-of-order')
      position = undefined;
    const isEmpty = options.emptyWhen?.some((kind) => kind === reason.kind) ?? false;
    if (isEmpty && !isComplete) whole(undefined, 'list');
    const worked = acceptedAt === undefined ? 0 : clock.now() - acceptedAt;
    failures = worked > retryMilliseconds ? 1 : failures + 1;
    retryMilliseconds = backoffMilliseconds(failures, reason, timing, clock.random);
    tell({ kind: 'failed', reason, retryMilliseconds });
    await clock.sleep(retryMilliseconds, signal);
  }
}
