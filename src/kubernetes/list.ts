// Reads all objects of a kind, page by page, each object parsed by itself so that nothing large is held or blocks.
import { type ApiObject, asApiObject, isRecord, parseJson } from './api-object.ts';
import type { Answer, ApiClient } from './client.ts';
import { readPieces } from './http/body.ts';
import { createItemScanner } from './json/item-scanner.ts';
import { type ApiReason, type ApiResult, done, refused } from './reason.ts';
import { collectionPath, type Resource } from './resource.ts';
import { createTimeSlice } from './time-slice.ts';

/** Which objects of a kind. */
export interface Selection {
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Such as `spec.nodeName=node1`. */
  readonly fieldSelector?: string | undefined;
  /** `metadata`: objects come without spec and status, which costs the server and the wire less. */
  readonly form?: 'whole' | 'metadata';
}

export interface ListOptions {
  readonly selection: Selection;
  /** Objects in an answer; the API server reads no more at once from etcd. */
  readonly pageSize?: number;
  /** Between two slices of work, before others get their turn. */
  readonly beforePause?: () => void;
}

const defaultPageSize = 500;

/**
 * Calls back with each object, in the order in which they come, and resolves with the version that the list is of: the
 * newest at the time it was asked for. Where a page's continuation has expired, all is read once more, in one page.
 */
export async function listObjects(
  client: ApiClient,
  options: ListOptions,
  onObject: (object: ApiObject) => void,
  signal?: AbortSignal,
): Promise<ApiResult<string>> {
  let limit: number | undefined = options.pageSize ?? defaultPageSize;
  let position: string | undefined;
  for (;;) {
    const answer = await client.send(
      {
        method: 'GET',
        path: collectionPath(options.selection.resource, options.selection.namespace),
        query: { ...selectors(options.selection), limit: limit?.toString(), continue: position },
        accept: acceptOf(options.selection, 'list'),
        isPackable: true,
      },
      signal,
    );
    const page = answer.ok ? await readPage(client, answer.value, options, onObject, signal) : answer;
    if (!page.ok) {
      if (page.reason.kind !== 'expired' || position === undefined) return page;
      limit = undefined;
      position = undefined;
      continue;
    }
    position = page.value.continuation;
    if (position === undefined) return done(page.value.version);
  }
}

export const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

export function acceptOf({ form }: Selection, shape: 'list' | 'object'): string {
  if (form !== 'metadata') return 'application/json';
  const name = shape === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return `application/json;as=${name};g=meta.k8s.io;v=v1,application/json`;
}

interface Page {
  readonly version: string;
  readonly continuation: string | undefined;
}

async function readPage(
  client: ApiClient,
  { at, body }: Answer,
  { selection, beforePause }: ListOptions,
  onObject: (object: ApiObject) => void,
  signal: AbortSignal | undefined,
): Promise<ApiResult<Page>> {
  const scanner = createItemScanner();
  const slice = createTimeSlice();
  let broken: string | undefined;
  const failure = await readPieces(body, client.timing.pieceMilliseconds, async (piece) => {
    for (const text of scanner.push(piece)) {
      const object = asApiObject(parseJson(text), selection.resource);
      if (object === undefined) {
        broken = `no object: ${text.slice(0, 80)}`;
        return 'stop';
      }
      onObject(object);
      if (slice.isOver()) {
        beforePause?.();
        await slice.next();
      }
    }
    return undefined;
  });
  if (signal?.aborted) return refused({ kind: 'aborted' });
  if (failure !== undefined) return refused(brokenOff(at, failure.code, client.timing.pieceMilliseconds));
  const text = scanner.rest();
  const list = text === undefined ? undefined : parseJson(text);
  if (broken !== undefined || !isRecord(list) || !isRecord(list['metadata']))
    return refused({ kind: 'unreadable', at, cause: broken ?? 'no list' });
  const { resourceVersion, continue: continuation } = list['metadata'];
  if (typeof resourceVersion !== 'string' || resourceVersion === '')
    return refused({ kind: 'unreadable', at, cause: 'a list without a version' });
  const more = typeof continuation === 'string' && continuation !== '' ? continuation : undefined;
  return done({ version: resourceVersion, continuation: more });
}

/** Why the body of an answer has no end. */
export const brokenOff = (at: string, code: string, milliseconds: number): ApiReason =>
  code === 'timeout' ? { kind: 'no-answer', at, milliseconds } : { kind: 'cut', at, cause: code };
