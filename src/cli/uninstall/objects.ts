// Objects that Gantry's programs have made, or written a status to, beside Services.
import { addressProbeKind } from '../../api/address-probe.ts';
import { apiVersionOf, type ServedKind, servedKinds } from '../../api/crd/served-kinds.ts';
import { isRecord } from '../../api/record.ts';
import { webhookConfigurationName } from '../../api/webhook/configuration.ts';
import { ledgerName } from '../../controller/claim-ledger.ts';
import { leaseName } from '../../controller/lease-lock.ts';
import { membershipSecretName } from '../../controller/membership-secret.ts';
import { webhookSecretName } from '../../controller/webhook/certificate-secret.ts';
import { type ApiObject, keyOf } from '../../kubernetes/api-object.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { listObjects } from '../../kubernetes/list.ts';
import { applyObject, deleteObject, getObject } from '../../kubernetes/objects.ts';
import { type ApiResult, apiSentence } from '../../kubernetes/reason.ts';
import {
  configMaps,
  leases,
  type ObjectName,
  type Resource,
  secrets,
  validatingWebhookConfigurations,
} from '../../kubernetes/resource.ts';
import { fieldManager } from '../../sources/kubernetes-status.ts';
import type { Task } from './task.ts';

/** To be done after the Services: until then the ledger tells who may write to them. */
export async function objectTasks(client: ApiClient, namespace: string): Promise<Task[]> {
  const named = async (resource: Resource, name: ObjectName): Promise<Task[]> => {
    const found = await getObject(client, resource, name);
    if (found.ok) return [deletion(client, resource, found.value)];
    if (found.reason.kind === 'not-found') return [];
    throw new Error(apiSentence(found.reason));
  };
  const own = await Promise.all(servedKinds.map((served) => tasksOfKind(client, served, namespace)));
  return [
    ...(await named(validatingWebhookConfigurations, { name: webhookConfigurationName })),
    ...own.flat(),
    ...(await named(secrets, { namespace, name: webhookSecretName })),
    ...(await named(secrets, { namespace, name: membershipSecretName })),
    ...(await named(leases, { namespace, name: leaseName })),
    ...(await named(configMaps, { namespace, name: ledgerName })),
  ];
}

/** Reports are deleted; of what people have written, the status is taken off. MetalLB's own reports stay. */
async function tasksOfKind(client: ApiClient, served: ServedKind, namespace: string): Promise<Task[]> {
  const { kind, plural } = served;
  const resource = { apiVersion: apiVersionOf(served), kind, plural, isNamespaced: true };
  const written: ApiObject[] = [];
  const listed = await listObjects(client, { selection: { resource, namespace } }, (object) => {
    if (isWrittenByUs(object)) written.push(object);
  });
  // A kind whose definition is gone has no objects.
  if (!listed.ok && listed.reason.kind !== 'not-found') throw new Error(apiSentence(listed.reason));
  const isReport = served.versions.at(-1)?.spec === undefined || kind === addressProbeKind;
  return written.map((object) =>
    isReport ? deletion(client, resource, object) : withoutStatus(client, resource, object),
  );
}

const isWrittenByUs = ({ metadata: { managedFields } }: ApiObject): boolean =>
  Array.isArray(managedFields) &&
  managedFields.some((one) => isRecord(one) && one['manager'] === fieldManager);

function deletion(client: ApiClient, resource: Resource, object: ApiObject): Task {
  const { uid } = object.metadata;
  return {
    what: `delete ${resource.kind} ${keyOf(object)}`,
    work: () => done(deleteObject(client, resource, object.metadata, { ...(uid && { uid }) })),
  };
}

/** Applied without any field, ours go. */
function withoutStatus(client: ApiClient, resource: Resource, object: ApiObject): Task {
  const { name, namespace = '' } = object.metadata;
  return {
    what: `take our status off ${resource.kind} ${keyOf(object)}`,
    work: () =>
      done(
        applyObject(
          client,
          resource,
          { metadata: { name, namespace } },
          { fieldManager, subresource: 'status' },
        ),
      ),
  };
}

async function done(outcome: Promise<ApiResult<unknown>>): Promise<void> {
  const result = await outcome;
  if (!result.ok && result.reason.kind !== 'not-found') throw new Error(apiSentence(result.reason));
}
