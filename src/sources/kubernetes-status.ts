// Writes statuses to a Kubernetes API by server-side apply: each says whole what is Gantry's of an object, and what others
// have written there stays.
import { isDeepStrictEqual } from 'node:util';
import { addressProbeKind } from '../api/address-probe.ts';
import { apiVersionOf, servedKinds } from '../api/crd/served-kinds.ts';
import { kinds } from '../api/kinds.ts';
import { isRecord } from '../api/record.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { applyObject, deleteObject, getObject } from '../kubernetes/objects.ts';
import { type ApiReason, apiSentence } from '../kubernetes/reason.ts';
import { type Resource, services } from '../kubernetes/resource.ts';
import type { StatusObject, StatusPort } from '../model/status.ts';

/** The name that Gantry's fields have in `metadata.managedFields`. */
export const fieldManager = 'gantry';

export interface KubernetesStatusOptions {
  readonly client: ApiClient;
  /** Where the pools are, and where reports without a namespace of their own go. */
  readonly configurationNamespace: string;
  /** Writes the statuses of Services; undefined for who has none to write. */
  readonly services?: Pick<StatusPort, 'put'>;
}

/**
 * Rejects with the API server's reason as a sentence. An object that is gone needs no status, so its write succeeds.
 * Nothing is written that the object says already, but for the times of its conditions.
 */
export function kubernetesStatus(options: KubernetesStatusOptions): StatusPort {
  const { client, configurationNamespace: namespace } = options;
  /** The reports that this process wrote last: nobody else writes them. */
  const written = new Map<string, StatusObject>();

  const apply = async (object: StatusObject, subresource: 'status' | undefined) => {
    const { apiVersion: _a, kind, metadata, ...parts } = object;
    return applyObject(
      client,
      resourceOf(kind),
      { metadata: { namespace, ...metadata }, ...(subresource === undefined ? {} : parts) },
      { fieldManager, isForced: true, ...(subresource && { subresource }) },
    );
  };

  /** Makes a report that is not there yet. */
  const write = async (object: StatusObject): Promise<ApiReason | undefined> => {
    const first = await apply(object, 'status');
    if (first.ok) return undefined;
    if (first.reason.kind !== 'not-found') return first.reason;
    if (!isReport(object.kind)) return undefined;
    const made = await apply(object, undefined);
    const second = made.ok ? await apply(object, 'status') : made;
    return second.ok ? undefined : second.reason;
  };

  return {
    advice: 'See how the API server is, and that the role of this program allows it; it is tried again.',
    async put(object) {
      if (object.kind === services.kind && options.services !== undefined)
        return options.services.put(object);
      const id = idOf(object.kind, object.metadata.namespace, object.metadata.name);
      const before = written.get(id);
      if (before === undefined) {
        const found = await getObject(client, resourceOf(object.kind), { namespace, ...object.metadata });
        if (found.ok && isSaidBy(found.value, object)) return;
      } else if (isSaidBy(before, object)) return;
      const reason = await write(object);
      if (reason !== undefined) throw errorOf(reason);
      if (isReport(object.kind)) written.set(id, object);
    },
    async remove(kind, ofNamespace, name) {
      written.delete(idOf(kind, ofNamespace, name));
      // The status of a person's object went with it.
      if (!isReport(kind)) return;
      const removed = await deleteObject(client, resourceOf(kind), {
        namespace: ofNamespace === '' ? namespace : ofNamespace,
        name,
      });
      if (!removed.ok && removed.reason.kind !== 'not-found') throw errorOf(removed.reason);
    },
  };
}

const idOf = (kind: string, namespace: string | undefined, name: string): string =>
  `${kind} ${namespace ?? ''}/${name}`;

/** All that is to be written stands there; when a condition changed last is as it was first said. */
function isSaidBy(found: unknown, wanted: unknown): boolean {
  if (isRecord(wanted))
    return (
      isRecord(found) &&
      Object.entries(wanted).every(
        ([name, value]) =>
          name === 'apiVersion' || name === 'lastTransitionTime' || isSaidBy(found[name], value),
      )
    );
  if (Array.isArray(wanted))
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((value, index) => isSaidBy(found[index], value))
    );
  return isDeepStrictEqual(found, wanted);
}

/** A kind whose objects are made by Gantry, and hold nothing but a status. */
const isReport = (kind: string): boolean => kind === addressProbeKind || !(kind in kinds);

function resourceOf(kind: string): Resource {
  const served = servedKinds.find((one) => one.kind === kind);
  if (served === undefined) throw new RangeError(`${kind} has no status of ours`);
  return {
    apiVersion: apiVersionOf(served),
    kind,
    plural: served.plural,
    isNamespaced: true,
  };
}

const errorOf = (reason: ApiReason): Error => new Error(apiSentence(reason));
