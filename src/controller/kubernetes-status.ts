// Writes statuses to a Kubernetes API by server-side apply: each says whole what is Gantry's of an object, and what others
// have written there stays.
import { servedKinds } from '../api/crd/served-kinds.ts';
import { kinds } from '../api/kinds.ts';
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
}

/** Rejects with the API server's reason as a sentence. An object that is gone needs no status, so its write succeeds. */
export function kubernetesStatus({
  client,
  configurationNamespace: namespace,
}: KubernetesStatusOptions): StatusPort {
  const apply = async (object: StatusObject, subresource: 'status' | undefined) => {
    const { apiVersion, kind, metadata, ...parts } = object;
    const resource = resourceOf(kind);
    return applyObject(
      client,
      resource,
      { metadata: { namespace, ...metadata }, ...(subresource === undefined ? {} : parts) },
      { fieldManager, isForced: true, ...(subresource && { subresource }) },
    );
  };

  /** A person's object that is not there any more: one of Kubernetes itself is refused as if all of it was to be made. */
  const isGone = async ({ kind, metadata }: StatusObject, reason: ApiReason): Promise<boolean> => {
    if (isReport(kind)) return false;
    if (reason.kind === 'not-found') return true;
    if (reason.kind !== 'invalid') return false;
    const found = await getObject(client, resourceOf(kind), { namespace, ...metadata });
    return !found.ok && found.reason.kind === 'not-found';
  };

  return {
    async put(object) {
      const first = await apply(object, 'status');
      if (first.ok || (await isGone(object, first.reason))) return;
      if (first.reason.kind !== 'not-found') throw errorOf(first.reason);
      const made = await apply(object, undefined);
      const second = made.ok ? await apply(object, 'status') : made;
      if (!second.ok) throw errorOf(second.reason);
    },
    async remove(kind, ofNamespace, name) {
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

/** A kind whose objects are made by Gantry, and hold nothing but a status. */
const isReport = (kind: string): boolean => !(kind in kinds);

function resourceOf(kind: string): Resource {
  if (kind === 'Service') return services;
  const served = servedKinds.find((one) => one.kind === kind);
  if (served === undefined) throw new RangeError(`${kind} has no status of ours`);
  return {
    apiVersion: `metallb.io/${served.versions.at(-1)?.name}`,
    kind,
    plural: served.plural,
    isNamespaced: true,
  };
}

const errorOf = (reason: ApiReason): Error => new Error(apiSentence(reason));
