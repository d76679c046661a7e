// Statuses in a Kubernetes API: each is patched into the object that it is of, and nothing is written that it says already.
import { isDeepStrictEqual } from 'node:util';
import { allocatedFromPoolAnnotation } from '../api/status.ts';
import type { ApiObject } from '../kubernetes/api-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { createObject, deleteObject, getObject, mergePatch } from '../kubernetes/objects.ts';
import { type ApiReason, type ApiResult, apiSentence } from '../kubernetes/reason.ts';
import { type ObjectName, type Resource, services } from '../kubernetes/resource.ts';
import type { StatusObject, StatusPort } from '../model/status.ts';

export interface KubernetesStatusOptions {
  readonly client: ApiClient;
  /** Where the pools are, and where reports without a namespace of their own go. */
  readonly configurationNamespace: string;
}

/**
 * Rejects with the API server's reason as a sentence. An object that is gone needs no status, so its write succeeds. A
 * Service's conditions are replaced as a whole.
 */
export function kubernetesStatus({ client, configurationNamespace }: KubernetesStatusOptions): StatusPort {
  const nameIn = (resource: Resource, namespace: string | undefined, name: string): ObjectName => ({
    namespace: resource.isNamespaced ? namespace || configurationNamespace : undefined,
    name,
  });
  return {
    async put(object) {
      const resource = resourceOf(object.kind);
      const name = nameIn(resource, object.metadata.namespace, object.metadata.name);
      if (resource === services) await putService(client, name, object);
      else await putOwn(client, resource, name, object);
    },
    async remove(kind, namespace, name) {
      const resource = resourceOf(kind);
      // A status that is a part of an object went with it.
      if (!isReport(resource)) return;
      throwUnlessGone(await deleteObject(client, resource, nameIn(resource, namespace, name)));
    },
  };
}

const own = (kind: string, plural: string): Resource => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  plural,
  isNamespaced: true,
});

const pools = own('IPAddressPool', 'ipaddresspools');
const reports: readonly Resource[] = [
  own('ServiceL2Status', 'servicel2statuses'),
  own('ConfigurationState', 'configurationstates'),
];
const written: readonly Resource[] = [services, pools, ...reports];

/** Reports are objects of their own, which whoever reports makes. */
const isReport = (resource: Resource): boolean => reports.includes(resource);

function resourceOf(kind: string): Resource {
  const resource = written.find((one) => one.kind === kind);
  if (resource === undefined) throw new RangeError(`${kind} has no status that Gantry writes`);
  return resource;
}

/** One write: the API server takes a Service's annotations along with its status; where one does not, it is a second. */
async function putService(
  client: ApiClient,
  name: ObjectName,
  { metadata, status }: StatusObject,
): Promise<void> {
  const pool = metadata.annotations?.[allocatedFromPoolAnnotation];
  const annotated = { metadata: { annotations: { [allocatedFromPoolAnnotation]: pool ?? null } } };
  const patched = valueUnlessGone(
    await mergePatch(client, services, name, { ...annotated, status }, { subresource: 'status' }),
  );
  if (patched === undefined || patched.metadata.annotations?.[allocatedFromPoolAnnotation] === pool) return;
  throwUnlessGone(await mergePatch(client, services, name, annotated));
}

async function putOwn(
  client: ApiClient,
  resource: Resource,
  name: ObjectName,
  { metadata, status }: StatusObject,
): Promise<void> {
  const { labels, annotations } = metadata;
  const described = { ...(labels && { labels }), ...(annotations && { annotations }) };
  const present =
    valueUnlessGone(await getObject(client, resource, name)) ??
    (isReport(resource)
      ? valueUnlessGone(
          await createObject(client, resource, {
            metadata: { ...described, name: name.name, namespace: name.namespace ?? '' },
          }),
        )
      : undefined);
  if (present === undefined) return;
  const isDescribed = Object.entries(described).every(([field, values]) =>
    Object.entries(values).every(([key, value]) => valueIn(present.metadata[field], key) === value),
  );
  if (!isDescribed) throwUnlessGone(await mergePatch(client, resource, name, { metadata: described }));
  if (isDeepStrictEqual(present['status'], status)) return;
  throwUnlessGone(await mergePatch(client, resource, name, { status }, { subresource: 'status' }));
}

const valueIn = (record: unknown, key: string): unknown =>
  typeof record === 'object' && record !== null ? Reflect.get(record, key) : undefined;

function valueUnlessGone(outcome: ApiResult<ApiObject>): ApiObject | undefined {
  throwUnlessGone(outcome);
  return outcome.ok ? outcome.value : undefined;
}

function throwUnlessGone(
  outcome: { readonly ok: true } | { readonly ok: false; readonly reason: ApiReason },
): void {
  if (!outcome.ok && outcome.reason.kind !== 'not-found') throw new Error(apiSentence(outcome.reason));
}
