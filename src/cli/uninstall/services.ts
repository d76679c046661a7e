// Takes what Gantry has written off all Services that are its own.
import { objectOf } from '../../api/parse-object.ts';
import { type ClassPolicy, notOurs } from '../../ipam/class-policy.ts';
import { type ApiObject, keyOf } from '../../kubernetes/api-object.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { listObjects } from '../../kubernetes/list.ts';
import { getObject, mergePatch } from '../../kubernetes/objects.ts';
import { apiSentence } from '../../kubernetes/reason.ts';
import { services } from '../../kubernetes/resource.ts';
import type { Pool } from '../../model/pool.ts';
import { readObject } from '../../sources/kubernetes-world.ts';
import { servicePatch } from './service-patch.ts';
import { leaver, type Task } from './task.ts';

const mostTries = 20;

/** One for each Service that has something of Gantry's. `releasedPools` undefined: all keep their addresses. */
export async function serviceTasks(
  client: ApiClient,
  policy: ClassPolicy,
  releasedPools: readonly Pool[] | undefined,
): Promise<Task[]> {
  const patchFor = (raw: ApiObject) => {
    const { change } = readObject({ ...raw }).parsed;
    const service = change && objectOf('Service', change);
    if (service === undefined || notOurs(service, policy) !== undefined) return undefined;
    return servicePatch(raw, service, releasedPools);
  };
  const clean = async (listed: ApiObject): Promise<void> => {
    let raw: ApiObject | undefined = listed;
    for (let tries = 0; raw !== undefined; tries += 1) {
      const next = patchFor(raw);
      if (next === undefined) return;
      if (tries === mostTries)
        throw new Error(`Service ${keyOf(raw)} is written to again and again; stop who does.`);
      const { resourceVersion } = raw.metadata;
      const { subresource, patch } = next;
      const options = { resourceVersion, fieldManager: leaver, ...(subresource && { subresource }) };
      const patched = await mergePatch(client, services, raw.metadata, patch, options);
      if (!patched.ok && !['conflict', 'not-found'].includes(patched.reason.kind))
        throw new Error(apiSentence(patched.reason));
      raw = patched.ok ? patched.value : await again(client, raw);
    }
  };
  const tasks: Task[] = [];
  const listed = await listObjects(client, { selection: { resource: services } }, (raw) => {
    const next = patchFor(raw);
    if (next === undefined) return;
    const what = next.isRelease ? 'release the addresses of' : 'take our marks off';
    tasks.push({ what: `${what} Service ${keyOf(raw)}`, work: () => clean(raw) });
  });
  if (!listed.ok) throw new Error(apiSentence(listed.reason));
  return tasks;
}

/** As it is now; undefined once it is gone. */
async function again(client: ApiClient, { metadata }: ApiObject): Promise<ApiObject | undefined> {
  const found = await getObject(client, services, metadata);
  if (found.ok) return found.value;
  if (found.reason.kind === 'not-found') return undefined;
  throw new Error(apiSentence(found.reason));
}
