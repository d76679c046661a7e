// How the fake API server changes objects: names, versions, preconditions and statuses as the real one has them.
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../api-object.ts';
import type { Resource } from '../resource.ts';
import { applied, type FieldOwners, jsonPatched, merged, own } from './patches.ts';
import { badRequest, conflict, invalid, notFound, type Refusal } from './refusal.ts';
import type { FakeStore, StoredObject } from './store.ts';

export interface ServedResource extends Resource {
  /** It has a status of its own, which only writes to `/status` change. */
  readonly hasStatus: boolean;
}

export interface WriteContext {
  readonly store: FakeStore;
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly manager: string;
  readonly isDryRun: boolean;
}

type Body = Readonly<Record<string, unknown>>;

export const collectionOf = ({ apiVersion, plural }: Resource): string => `${apiVersion}/${plural}`;

const keyIn = (namespace: string | undefined, name: string): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** Beside the store: who has which field. */
const ownersOf = new WeakMap<FakeStore, Map<string, FieldOwners>>();

function fieldOwners({ store, resource }: WriteContext, key: string): FieldOwners {
  const all = ownersOf.get(store) ?? new Map<string, FieldOwners>();
  ownersOf.set(store, all);
  const id = `${collectionOf(resource)} ${key}`;
  const owners = all.get(id) ?? new Map<string, Set<string>>();
  all.set(id, owners);
  return owners;
}

export function create(context: WriteContext, body: Body): StoredObject | Refusal {
  const { store, resource, namespace } = context;
  const metadata = metadataOf(body);
  const generated = `${metadata['generateName'] ?? ''}${(store.revision + 1).toString(36)}`;
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : generated;
  const what = `${resource.plural} "${name}"`;
  if (resource.isNamespaced && namespace === undefined) return badRequest('a namespace must be given');
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 253)
    return invalid(
      `${resource.kind} "${name}"`,
      'metadata.name',
      `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
    );
  if (namespace !== undefined && store.get('v1/namespaces', namespace) === undefined)
    return notFound(`namespaces "${namespace}"`);
  const key = keyIn(namespace, name);
  if (store.get(collectionOf(resource), key) !== undefined)
    return { code: 409, reason: 'AlreadyExists', message: `${what} already exists` };
  const { status: _, ...withoutStatus } = body;
  const fresh = (version: string): StoredObject => ({
    ...(resource.hasStatus ? withoutStatus : body),
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      ...metadata,
      name,
      ...(namespace !== undefined && { namespace }),
      uid: `00000000-0000-4000-8000-${version.padStart(12, '0')}`,
      resourceVersion: version,
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  });
  if (context.isDryRun) {
    const { metadata: made, ...rest } = fresh('');
    const { resourceVersion: _version, ...unversioned } = made;
    return { ...rest, metadata: unversioned } as StoredObject; // what is stored has a version, and this is not
  }
  const stored = store.write(collectionOf(resource), key, fresh);
  const owners = fieldOwners(context, key);
  owners.clear();
  own(owners, context.manager, {}, stored);
  return stored;
}

export function replace(
  context: WriteContext,
  name: string,
  part: string | undefined,
  body: Body,
): StoredObject | Refusal {
  const { resource, store, namespace } = context;
  const key = keyIn(namespace, name);
  const before = store.get(collectionOf(resource), key);
  if (before === undefined) return notFound(`${resource.plural} "${name}"`);
  const bodyName = metadataOf(body)['name'];
  if (bodyName !== undefined && bodyName !== name)
    return badRequest(`the name of the object (${bodyName}) does not match the name on the URL (${name})`);
  return keep(context, key, before, body, part);
}

export type PatchType = 'merge' | 'json' | 'apply';

export function patch(
  context: WriteContext,
  name: string,
  part: string | undefined,
  type: PatchType,
  body: unknown,
  isForced: boolean,
): StoredObject | Refusal {
  const { resource, store, namespace } = context;
  const key = keyIn(namespace, name);
  const before = store.get(collectionOf(resource), key);
  if (type === 'apply') {
    if (!isRecord(body)) return badRequest('an object must be applied');
    if (before === undefined && part !== undefined) return missingPart(resource, name);
    if (before === undefined) return create(context, body);
    const outcome = applied(before, body, fieldOwners(context, key), context.manager, isForced);
    if ('object' in outcome) return keep(context, key, before, outcome.object, part, true);
    return {
      code: 409,
      reason: 'Conflict',
      message: `Apply failed with ${outcome.conflicts.length} conflicts`,
      causes: outcome.conflicts.map(({ manager, path }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with "${manager}"`,
        field: `.${path.join('.')}`,
      })),
    };
  }
  if (before === undefined) return notFound(`${resource.plural} "${name}"`);
  const after =
    type === 'merge' ? merged(before, body) : Array.isArray(body) ? jsonPatched(before, body) : undefined;
  if (!isRecord(after)) return { code: 422, reason: 'Invalid', message: 'the server rejected our request' };
  return keep(context, key, before, after, part);
}

/** Takes over what the part allows to be changed, and stores it if anything is new. */
function keep(
  context: WriteContext,
  key: string,
  before: StoredObject,
  wanted: Body,
  part: string | undefined,
  isApplied = false,
): StoredObject | Refusal {
  const { resource, store } = context;
  const wantedMetadata = metadataOf(wanted);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = before.metadata;
  const what = `${resource.plural} "${name}"`;
  const version = wantedMetadata['resourceVersion'];
  if (version !== undefined && version !== '' && version !== resourceVersion)
    return conflict(what, 'the object has been modified; please apply your changes to the latest version');
  if (wantedMetadata['uid'] !== undefined && wantedMetadata['uid'] !== uid)
    return conflict(what, 'Precondition failed: UID in precondition does not match');
  if (part === 'status' && !resource.hasStatus) return notFound(`${what} status`);
  const chosen: Body =
    part === 'status'
      ? { ...before, status: wanted['status'] }
      : resource.hasStatus
        ? { ...wanted, status: before['status'] }
        : wanted;
  const content = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  const isSpecSame = isDeepStrictEqual(content['spec'], before['spec']);
  const generation = Number(before.metadata['generation'] ?? 1) + (isSpecSame ? 0 : 1);
  const fixed = { name, namespace, uid, creationTimestamp, generation };
  const make = (next: string): StoredObject => ({
    ...content,
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      ...(part === 'status' && !isBuiltIn(resource) ? before.metadata : wantedMetadata),
      ...(namespace === undefined ? { ...fixed, namespace: undefined } : fixed),
      name,
      uid,
      resourceVersion: next,
    } as StoredObject['metadata'], // JSON drops the undefined namespace
  });
  if (isDeepStrictEqual(plain(make(resourceVersion)), plain(before))) return before;
  if (context.isDryRun) return make(resourceVersion);
  if (!isApplied) own(fieldOwners(context, key), context.manager, before, make(resourceVersion));
  return store.write(collectionOf(resource), key, make);
}

/** Of Kubernetes itself: a write to its status may change its labels and annotations. */
const isBuiltIn = ({ apiVersion }: ServedResource): boolean =>
  !apiVersion.includes('.') || apiVersion.includes('.k8s.io/');

/** To apply a part of what is not there: built-in kinds would make the whole, for which the rest is missing. */
const missingPart = (resource: ServedResource, name: string): Refusal =>
  isBuiltIn(resource)
    ? {
        code: 422,
        reason: 'Invalid',
        message: `${resource.kind} "${name}" is invalid: spec.ports: Required value`,
        causes: [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.ports' }],
      }
    : notFound(`${resource.plural} "${name}"`);

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export function remove(context: WriteContext, name: string, options: Body): StoredObject | Refusal {
  const { resource, store, namespace } = context;
  const key = keyIn(namespace, name);
  const before = store.get(collectionOf(resource), key);
  const what = `${resource.plural} "${name}"`;
  if (before === undefined) return notFound(what);
  const wanted = isRecord(options['preconditions']) ? options['preconditions'] : {};
  const { uid = before.metadata.uid, resourceVersion = before.metadata.resourceVersion } = wanted;
  if (uid !== before.metadata.uid || resourceVersion !== before.metadata.resourceVersion)
    return conflict(what, 'Precondition failed');
  return context.isDryRun ? before : store.write(collectionOf(resource), key, undefined);
}

const metadataOf = (body: Body): Body => (isRecord(body['metadata']) ? body['metadata'] : {});
