// Reads a cluster in which MetalLB runs.
import { isRecord } from '../../api/record.ts';
import { webhookConfigurationName } from '../../api/webhook/configuration.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import { type ApiClient, createApiClient } from '../../kubernetes/client.ts';
import { listObjects, type Selection } from '../../kubernetes/list.ts';
import { apiSentence } from '../../kubernetes/reason.ts';
import {
  configMaps,
  customResourceDefinitions,
  type Resource,
  validatingWebhookConfigurations,
} from '../../kubernetes/resource.ts';
import type { Origin } from '../origin.ts';
import { readSnapshot } from '../snapshot.ts';
import { installationOf } from './installation.ts';
import type { MetalLb } from './metallb.ts';

const groups = ['metallb.io', 'frrk8s.metallb.io'];
/** What MetalLB writes by itself, again and again. */
const reports = /Status$|State$/;

const deployments = namespaced('apps/v1', 'Deployment', 'deployments');
const daemonSets = namespaced('apps/v1', 'DaemonSet', 'daemonsets');

/** Rejects with a sentence where something cannot be read, or there is no MetalLB. */
export async function readMetalLb(origin: Extract<Origin, { kind: 'kubernetes' }>): Promise<MetalLb> {
  const { access, configurationNamespace: namespace } = origin;
  using client = createApiClient({ access, userAgent: 'gantry' });
  const definitions = (await list(client, { resource: customResourceDefinitions })).filter(({ spec }) =>
    groups.includes(String(isRecord(spec) && spec['group'])),
  );
  if (!definitions.some(({ metadata }) => metadata.name === 'ipaddresspools.metallb.io'))
    throw new Error(
      'this cluster has no definition of IPAddressPool, so MetalLB is not here; name another cluster with --kubeconfig',
    );
  const [objects, webhooks, workloads, maps, snapshot] = await Promise.all([
    Promise.all(definitions.map((definition) => objectsOf(client, definition))),
    list(client, { resource: validatingWebhookConfigurations }),
    Promise.all([deployments, daemonSets].map((resource) => list(client, { resource, namespace }))),
    list(client, { resource: configMaps, namespace, form: 'metadata' }),
    readSnapshot(origin),
  ]);
  return {
    namespace,
    installation: installationOf(workloads.flat()),
    snapshot,
    objects: objects.flat(),
    definitions,
    webhooks: webhooks.filter(isAboutMetalLb),
    configMaps: maps.map(({ metadata }) => metadata.name),
  };
}

async function objectsOf(client: ApiClient, { spec }: ApiObject): Promise<ApiObject[]> {
  if (!isRecord(spec) || !isRecord(spec['names']) || !Array.isArray(spec['versions'])) return [];
  const { kind, plural } = spec['names'];
  // The stored one, which nobody has to convert.
  const stored = spec['versions'].find((version) => isRecord(version) && version['storage'] === true);
  if (reports.test(String(kind)) || !isRecord(stored) || stored['served'] !== true) return [];
  const apiVersion = `${String(spec['group'])}/${String(stored['name'])}`;
  const resource = { apiVersion, kind: String(kind), plural: String(plural), isNamespaced: true };
  return list(client, { resource });
}

function isAboutMetalLb({ metadata, webhooks }: ApiObject): boolean {
  if (metadata.name === webhookConfigurationName || !Array.isArray(webhooks)) return false;
  return webhooks
    .flatMap((webhook) => (isRecord(webhook) && Array.isArray(webhook['rules']) ? webhook['rules'] : []))
    .some(
      (rule) =>
        isRecord(rule) && Array.isArray(rule['apiGroups']) && rule['apiGroups'].includes('metallb.io'),
    );
}

async function list(client: ApiClient, selection: Selection): Promise<ApiObject[]> {
  const found: ApiObject[] = [];
  const outcome = await listObjects(client, { selection }, (object) => found.push(object));
  if (!outcome.ok) throw new Error(apiSentence(outcome.reason));
  return found;
}

function namespaced(apiVersion: string, kind: string, plural: string): Resource {
  return { apiVersion, kind, plural, isNamespaced: true };
}
