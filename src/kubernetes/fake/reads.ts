// Lists and watches of the fake API server, with pages, continuations, bookmarks and versions that are gone.

import type { LineWriter } from './answers.ts';
import { badRequest, expired, invalid, type Refusal, statusOf, tooLarge } from './refusal.ts';
import { type Selects, selectsOf } from './selectors.ts';
import { type FakeStore, lastForm, type StoredChange, type StoredObject } from './store.ts';
import { collectionOf, type ServedResource } from './writes.ts';

export interface ReadContext {
  readonly store: FakeStore;
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly query: URLSearchParams;
  /** Objects are asked for without spec and status. */
  readonly isMetadataOnly: boolean;
}

/** The list as JSON. */
export function list(context: ReadContext): object | Refusal {
  const { store, resource, query, isMetadataOnly } = context;
  const collection = collectionOf(resource);
  const token = query.get('continue');
  const position = token === null ? undefined : readToken(token);
  if (token !== null && position === undefined) return badRequest('continue key is not valid');
  const asked = Number(query.get('resourceVersion') ?? 0);
  if (asked > store.revision) return tooLarge(asked, store.revision);
  const revision = position?.revision ?? store.revision;
  if (position !== undefined && revision < store.compacted)
    return {
      ...expired(revision, store.compacted),
      message: 'The provided continue parameter is too old to display a consistent list result.',
    };
  const selects = selection(context);
  const all = store
    .list(collection, revision)
    .filter(([key, object]) => selects(object) && key > (position?.after ?? ''));
  const limit = Number(query.get('limit') ?? 0) || all.length;
  const page = all.slice(0, limit);
  const last = page.at(-1)?.[0] ?? '';
  const isMore = all.length > page.length;
  return {
    kind: isMetadataOnly ? 'PartialObjectMetadataList' : `${resource.kind}List`,
    apiVersion: isMetadataOnly ? 'meta.k8s.io/v1' : resource.apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(isMore && {
        continue: writeToken({ revision, after: last }),
        remainingItemCount: all.length - page.length,
      }),
    },
    items: page.map(([, object]) => {
      const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
      return isMetadataOnly ? asMetadata(object) : rest;
    }),
  };
}

interface Position {
  readonly revision: number;
  readonly after: string;
}

const writeToken = (position: Position): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

function readToken(token: string): Position | undefined {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Position; // ours, or it throws
  } catch {
    return undefined;
  }
}

const asMetadata = ({ metadata }: StoredObject): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

const selection = ({ query, namespace }: ReadContext): Selects =>
  selectsOf(query.get('labelSelector'), query.get('fieldSelector'), namespace);

export interface WatchFeatures {
  readonly hasStreamingLists: boolean;
  readonly bookmarkMilliseconds: number;
}

/** Undefined where the watch may begin. */
export function refuseWatch({ query }: ReadContext, hasStreamingLists: boolean): Refusal | undefined {
  const isStreaming = query.get('sendInitialEvents') === 'true';
  if (!isStreaming && query.has('resourceVersionMatch'))
    return invalid(
      'ListOptions',
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden for watch',
    );
  if (isStreaming && !hasStreamingLists)
    return invalid(
      'ListOptions',
      'sendInitialEvents',
      'Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
    );
  if (isStreaming && query.get('resourceVersionMatch') !== 'NotOlderThan')
    return invalid('ListOptions', 'resourceVersionMatch', 'Required value');
  return undefined;
}

/** Writes what there is, if that is wanted, then what happens; returns how to end it. */
export function watch(context: ReadContext, bookmarkMilliseconds: number, lines: LineWriter): () => void {
  const { store, resource, query, isMetadataOnly } = context;
  const collection = collectionOf(resource);
  const selects = selection(context);
  const form = (object: StoredObject): object => (isMetadataOnly ? asMetadata(object) : object);
  const say = (type: string, object: object): void => lines.write(JSON.stringify({ type, object }));
  const bookmark = (annotations?: object): void =>
    say('BOOKMARK', {
      kind: resource.kind,
      apiVersion: resource.apiVersion,
      metadata: { resourceVersion: String(store.revision), ...(annotations && { annotations }) },
    });
  const tell = (change: StoredChange): void => {
    if (change.collection !== collection) return;
    const { before, after } = change;
    const [was, is] = [before !== undefined && selects(before), after !== undefined && selects(after)];
    const gone = lastForm(change);
    if (is && after !== undefined) say(was ? 'MODIFIED' : 'ADDED', form(after));
    else if (was && gone !== undefined) say('DELETED', form(gone));
  };

  const isStreaming = query.get('sendInitialEvents') === 'true';
  const since = Number(query.get('resourceVersion') ?? 0);
  if (isStreaming || since === 0) {
    for (const [, object] of store.list(collection)) if (selects(object)) say('ADDED', form(object));
    if (isStreaming) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else if (since < store.compacted) {
    say('ERROR', statusOf(expired(since, store.compacted)));
    lines.end();
    return () => {};
  } else {
    for (const change of store.changesSince(collection, since)) tell(change);
  }
  const unsubscribe = store.subscribe(tell);
  const timer =
    query.get('allowWatchBookmarks') === 'true'
      ? setInterval(() => bookmark(), bookmarkMilliseconds)
      : undefined;
  const timeout = Number(query.get('timeoutSeconds') ?? 3600);
  const end = setTimeout(() => {
    stop();
    lines.end();
  }, timeout * 1000);
  const stop = (): void => {
    unsubscribe();
    clearInterval(timer);
    clearTimeout(end);
  };
  return stop;
}
