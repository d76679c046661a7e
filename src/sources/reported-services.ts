// For which Services the status of a node is in the API, left by an earlier agent.
import { apiVersionOf, servedKinds } from '../api/crd/served-kinds.ts';
import { parseServiceBgpStatusName, parseServiceL2StatusName } from '../api/status.ts';
import { backoffMilliseconds } from '../kubernetes/backoff.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { listObjects } from '../kubernetes/list.ts';
import { type ServiceKey, serviceKey } from '../model/service.ts';

const parsers = { ServiceL2Status: parseServiceL2StatusName, ServiceBGPStatus: parseServiceBgpStatusName };

/** Resolves once the API has answered, however long it is away; with nothing if the signal aborts first. */
export async function kubernetesReportedServices(
  client: ApiClient,
  configurationNamespace: string,
  node: string,
  wanted: keyof typeof parsers,
  signal: AbortSignal,
): Promise<ServiceKey[]> {
  const served = servedKinds.find(({ kind }) => kind === wanted);
  if (served === undefined) throw new RangeError(`${wanted} is not served`);
  const { kind, plural } = served;
  const resource = { apiVersion: apiVersionOf(served), kind, plural, isNamespaced: true };
  for (let failures = 1; !signal.aborted; failures += 1) {
    const services: ServiceKey[] = [];
    const outcome = await listObjects(
      client,
      { selection: { resource, namespace: configurationNamespace, form: 'metadata' } },
      ({ metadata }) => {
        const about = parsers[wanted](metadata.name);
        if (about?.node === node) services.push(serviceKey(about.namespace, about.name));
      },
      signal,
    );
    if (outcome.ok) return services;
    const delay = backoffMilliseconds(failures, outcome.reason, client.timing, client.clock.random);
    await client.clock.sleep(delay, signal);
  }
  return [];
}
