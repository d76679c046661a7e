// What the fake API server does with a request: which kind and object the path is about, and what becomes of it.
import type { IncomingMessage } from 'node:http';
import { isRecord, parseJson } from '../api-object.ts';
import type { Resource } from '../resource.ts';
import { list, type ReadContext, refuseWatch } from './reads.ts';
import { badRequest, notFound, type Refusal } from './refusal.ts';
import { selectsOf } from './selectors.ts';
import type { FakeStore } from './store.ts';
import {
  collectionOf,
  create,
  type PatchType,
  patch,
  remove,
  replace,
  type ServedResource,
  type WriteContext,
} from './writes.ts';

export interface Served {
  readonly store: FakeStore;
  readonly served: readonly ServedResource[];
  /** Requests without this bearer token are unauthorized. May be changed. */
  readonly credentials?: { token: string };
  readonly hasStreamingLists: boolean;
}

/** The object or list to answer with, a watch to begin, or why not. */
export function route(
  request: IncomingMessage,
  url: URL,
  body: string,
  { store, served, credentials, hasStreamingLists }: Served,
): object | { readonly watch: ReadContext } | Refusal {
  if (credentials !== undefined && request.headers.authorization !== `Bearer ${credentials.token}`)
    return { code: 401, reason: 'Unauthorized', message: 'Unauthorized' };
  const place = placeOf(url.pathname, served);
  if (place === undefined) return { code: 404, reason: 'NotFound', message: 'the server could not find it' };
  const { resource, namespace, name, part } = place;
  const query = url.searchParams;
  const value = body === '' ? {} : parseJson(body);
  if (value === undefined) return badRequest('the body is no JSON');
  const record = isRecord(value) ? value : {};
  const context: WriteContext = {
    ...contextOf(store, served, resource, namespace),
    manager: query.get('fieldManager') ?? 'unknown',
    isDryRun: query.get('dryRun') === 'All',
  };
  const isMetadataOnly = /as=PartialObjectMetadata/.test(request.headers.accept ?? '');
  const reading: ReadContext = { store, resource, namespace, query, isMetadataOnly };
  switch (request.method) {
    case 'GET':
      if (name !== undefined) {
        const key = namespace === undefined ? name : `${namespace}/${name}`;
        return store.get(collectionOf(resource), key) ?? notFound(`${resource.plural} "${name}"`);
      }
      if (query.get('watch') !== 'true') return list(reading);
      return refuseWatch(reading, hasStreamingLists) ?? { watch: reading };
    case 'POST':
      return create(context, record);
    case 'PUT':
      return replace(context, name ?? '', part, record);
    case 'PATCH': {
      const type = patchTypes[request.headers['content-type'] ?? ''];
      if (type === undefined) return { code: 415, reason: 'UnsupportedMediaType', message: 'no such patch' };
      return patch(context, name ?? '', part, type, value, query.get('force') === 'true');
    }
    case 'DELETE': {
      if (name !== undefined) return remove(context, name, record);
      const selects = selectsOf(query.get('labelSelector'), query.get('fieldSelector'), namespace);
      for (const [, object] of store.list(collectionOf(resource))) {
        const { name: one, namespace: its } = object.metadata;
        if (selects(object)) remove({ ...context, namespace: its }, one, {});
      }
      return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };
    }
    default:
      return { code: 405, reason: 'MethodNotAllowed', message: 'the server does not allow this method' };
  }
}

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
  'application/apply-patch+yaml': 'apply',
};

interface Place {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly part: string | undefined;
}

function placeOf(path: string, served: readonly ServedResource[]): Place | undefined {
  const [, apiVersion = '', rest = ''] = /^\/(?:api|apis)\/(v1|[^/]+\/[^/]+)\/(.*)$/.exec(path) ?? [];
  const steps = rest.split('/').map(decodeURIComponent);
  const isInNamespace = steps[0] === 'namespaces' && steps.length > 2 && steps[2] !== 'status';
  const namespace = isInNamespace ? steps[1] : undefined;
  const [plural, name, part] = isInNamespace ? steps.slice(2) : steps;
  const resource = served.find((one) => one.apiVersion === apiVersion && one.plural === plural);
  if (resource === undefined) return undefined;
  if (namespace !== undefined && !resource.isNamespaced) return undefined;
  return { resource, namespace, name, part };
}

export function contextOf(
  store: FakeStore,
  served: readonly ServedResource[],
  wanted: Resource,
  namespace: string | undefined,
): WriteContext {
  const found = served.find(
    ({ plural, apiVersion }) => plural === wanted.plural && apiVersion === wanted.apiVersion,
  );
  const resource = found ?? { ...wanted, hasStatus: false };
  return { store, resource, namespace, manager: 'unknown', isDryRun: false };
}
