// What is done to single objects: read, create, change in every way that an API server knows, and delete.
import { type ApiObject, asApiObject, isRecord, parseJson } from './api-object.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { readText } from './http/body.ts';
import { brokenOff, type Selection, selectors } from './list.ts';
import { type ApiResult, done, refused } from './reason.ts';
import { collectionPath, type ObjectName, objectPath, type Resource } from './resource.ts';

export interface WriteOptions {
  /** Who it is, to the server's account of who wrote which field; needed to apply. */
  readonly fieldManager?: string;
  /** `Strict`: fields that the kind does not have are refused; else they are dropped. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Everything is checked and nothing is stored. */
  readonly isDryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface ChangeOptions extends WriteOptions {
  /** The part that is changed, and nothing else: `status`, `scale`. */
  readonly subresource?: 'status' | 'scale';
}

export interface PatchOptions extends ChangeOptions {
  /** The patch is refused with `conflict` unless the object still has this version. */
  readonly resourceVersion?: string;
}

/** RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string };

export interface DeleteOptions extends WriteOptions {
  /** Refused with `conflict` unless the object is this one, still as it was. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/** An object to be written: its kind and name are those of the resource and of its metadata. */
export interface NewObject {
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
  } & Record<string, unknown>;
  readonly [field: string]: unknown;
}

/** API servers take no objects above 3 MB, and etcd none above 1.5. */
const longestObjectBytes = 16 << 20;

export const getObject = (
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  signal?: AbortSignal,
): Promise<ApiResult<ApiObject>> =>
  exchangeObject(client, resource, { method: 'GET', path: objectPath(resource, name) }, signal);

export const createObject = (
  client: ApiClient,
  resource: Resource,
  object: NewObject,
  options: WriteOptions = {},
): Promise<ApiResult<ApiObject>> =>
  exchangeObject(
    client,
    resource,
    {
      method: 'POST',
      path: collectionPath(resource, object.metadata.namespace),
      query: queryOf(options),
      body: json('application/json', whole(resource, object)),
      isRepeatable: false,
    },
    options.signal,
  );

/** Refused with `conflict` unless the object still has the version in its metadata, if there is one. */
export const replaceObject = (
  client: ApiClient,
  resource: Resource,
  object: NewObject & { readonly metadata: { readonly name: string } },
  options: ChangeOptions = {},
): Promise<ApiResult<ApiObject>> =>
  exchangeObject(
    client,
    resource,
    {
      method: 'PUT',
      path: objectPath(resource, object.metadata, options.subresource),
      query: queryOf(options),
      body: json('application/json', whole(resource, object)),
    },
    options.signal,
  );

/** Merges the members of the patch into the object: null removes one, a list replaces the whole (RFC 7396). */
export const mergePatch = (
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  patch: Readonly<Record<string, unknown>>,
  options: PatchOptions = {},
): Promise<ApiResult<ApiObject>> => {
  const { resourceVersion } = options;
  const metadata = isRecord(patch['metadata']) ? patch['metadata'] : {};
  const guarded =
    resourceVersion === undefined ? patch : { ...patch, metadata: { ...metadata, resourceVersion } };
  return sendPatch(client, resource, name, 'application/merge-patch+json', guarded, options);
};

/** Where a `test` fails the server says `invalid`; a version that is not the given one is a `conflict`. */
export const jsonPatch = (
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  operations: readonly JsonPatchOperation[],
  options: PatchOptions = {},
): Promise<ApiResult<ApiObject>> => {
  const { resourceVersion: value } = options;
  // The server compares a version that the patch sets with the present one, as it does with that of a replacement.
  const guard = { op: 'replace', path: '/metadata/resourceVersion', value } as const;
  const guarded = value === undefined ? operations : [guard, ...operations];
  return sendPatch(client, resource, name, 'application/json-patch+json', guarded, options, false);
};

/**
 * Server-side apply: the object has these fields of this manager, and no others of his. A field that another one has
 * set otherwise is a `conflict`, with the field among the causes, or is taken over by force.
 */
export const applyObject = (
  client: ApiClient,
  resource: Resource,
  object: NewObject & { readonly metadata: { readonly name: string } },
  options: ChangeOptions & { readonly fieldManager: string; readonly isForced?: boolean },
): Promise<ApiResult<ApiObject>> => {
  const query = options.isForced ? { force: 'true' } : {};
  const type = 'application/apply-patch+yaml'; // JSON is YAML
  return sendPatch(client, resource, object.metadata, type, whole(resource, object), options, true, query);
};

/** Gone, or going: an object with finalizers stays until they are removed. `not-found` where it is not there. */
export async function deleteObject(
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  options: DeleteOptions = {},
): Promise<ApiResult<undefined>> {
  return deletion(client, objectPath(resource, name), {}, options);
}

/** Deletes what is selected, each object for itself: others may see some gone and some not. */
export async function deleteCollection(
  client: ApiClient,
  selection: Selection,
  options: Omit<DeleteOptions, 'uid' | 'resourceVersion'> = {},
): Promise<ApiResult<undefined>> {
  const path = collectionPath(selection.resource, selection.namespace);
  return deletion(client, path, selectors(selection), options);
}

async function deletion(
  client: ApiClient,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  options: DeleteOptions,
): Promise<ApiResult<undefined>> {
  const { uid, resourceVersion } = options;
  const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  const answer = await exchangeText(
    client,
    {
      method: 'DELETE',
      path,
      query: { ...query, dryRun: options.isDryRun ? 'All' : undefined },
      body: json('application/json', {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        ...(options.propagation && { propagationPolicy: options.propagation }),
        ...(Object.keys(preconditions).length > 0 && { preconditions }),
      }),
    },
    options.signal,
  );
  return answer.ok ? done(undefined) : answer;
}

function sendPatch(
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  type: string,
  patch: unknown,
  options: PatchOptions,
  isRepeatable = true,
  query: Readonly<Record<string, string>> = {},
): Promise<ApiResult<ApiObject>> {
  return exchangeObject(
    client,
    resource,
    {
      method: 'PATCH',
      path: objectPath(resource, name, options.subresource),
      query: { ...queryOf(options), ...query },
      body: json(type, patch),
      isRepeatable,
    },
    options.signal,
  );
}

const queryOf = ({ fieldManager, fieldValidation, isDryRun }: WriteOptions) => ({
  fieldManager,
  fieldValidation,
  dryRun: isDryRun ? 'All' : undefined,
});

const whole = ({ apiVersion, kind }: Resource, object: NewObject) => ({ apiVersion, kind, ...object });

const json = (type: string, value: unknown): { readonly type: string; readonly text: string } => ({
  type,
  text: JSON.stringify(value),
});

async function exchangeObject(
  client: ApiClient,
  resource: Resource,
  request: ApiRequest,
  signal: AbortSignal | undefined,
): Promise<ApiResult<ApiObject>> {
  const answer = await exchangeText(client, request, signal);
  if (!answer.ok) return answer;
  const { at, text } = answer.value;
  const object = asApiObject(parseJson(text), resource, request.query?.['dryRun'] !== undefined);
  return object === undefined
    ? refused({ kind: 'unreadable', at, cause: `no object: ${text.slice(0, 80)}` })
    : done(object);
}

async function exchangeText(
  client: ApiClient,
  request: ApiRequest,
  signal: AbortSignal | undefined,
): Promise<ApiResult<{ readonly at: string; readonly text: string }>> {
  const answer = await client.send(request, signal);
  if (!answer.ok) return answer;
  const { at, body } = answer.value;
  const { pieceMilliseconds } = client.timing;
  const text = await readText(body, pieceMilliseconds, longestObjectBytes);
  if (typeof text === 'string') return done({ at, text });
  return refused(signal?.aborted ? { kind: 'aborted' } : brokenOff(at, text.code, pieceMilliseconds));
}
