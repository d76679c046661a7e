// Whether Gantry runs still: what it takes away would come back, and addresses that it released be given anew.
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../../api/record.ts';
import { leaseName } from '../../controller/lease-lock.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { getObject } from '../../kubernetes/objects.ts';
import { apiSentence } from '../../kubernetes/reason.ts';
import { leases, type Resource } from '../../kubernetes/resource.ts';

const workload = (kind: string, plural: string): Resource => ({
  apiVersion: 'apps/v1',
  kind,
  plural,
  isNamespaced: true,
});

const workloads = [
  { resource: workload('Deployment', 'deployments'), name: 'gantry-controller' },
  { resource: workload('DaemonSet', 'daemonsets'), name: 'gantry-agent' },
  { resource: workload('DaemonSet', 'daemonsets'), name: 'gantry-pulse' },
];

/** A controller renews four times as often (`lease-lock.ts`). */
const lookMilliseconds = 2500;

/** What runs, as `deployment/gantry-controller` or words; empty if nothing does. Takes seconds where a Lease is held. */
export async function stillRunning(client: ApiClient, namespace: string): Promise<string[]> {
  const found: string[] = [];
  for (const { resource, name } of workloads)
    if ((await look(client, resource, namespace, name)) !== undefined)
      found.push(`${resource.kind.toLowerCase()}/${name}`);
  if (found.length === 0 && (await isLeaseRenewed(client, namespace)))
    found.push(`a controller that renews the Lease ${leaseName}`);
  return found;
}

/** No clock is shared with its holder, so it is looked at twice. */
async function isLeaseRenewed(client: ApiClient, namespace: string): Promise<boolean> {
  const first = await look(client, leases, namespace, leaseName);
  const holder = isRecord(first?.['spec']) ? first['spec']['holderIdentity'] : undefined;
  if (typeof holder !== 'string' || holder === '') return false;
  await sleep(lookMilliseconds);
  const second = await look(client, leases, namespace, leaseName);
  return second !== undefined && second.metadata.resourceVersion !== first?.metadata.resourceVersion;
}

async function look(client: ApiClient, resource: Resource, namespace: string, name: string) {
  const found = await getObject(client, resource, { namespace, name });
  if (found.ok) return found.value;
  if (found.reason.kind === 'not-found') return undefined;
  throw new Error(apiSentence(found.reason));
}
