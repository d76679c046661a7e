// A bare writer to an API server, for benches: it makes Services, their statuses and events as fast as the server takes
// them, and decides nothing. It is run on a host of the lab, and answers each line of its input with one of JSON.
// Writes of a kind are under way in the numbers in which the product has them.
import { createInterface } from 'node:readline';
import { steadyMilliseconds } from '../lab/probe.ts';
import { createGate } from '../src/collections/gate.ts';
import { findAccess } from '../src/kubernetes/access/find-access.ts';
import { createApiClient } from '../src/kubernetes/client.ts';
import { applyObject, createObject, deleteObject } from '../src/kubernetes/objects.ts';
import type { ApiResult } from '../src/kubernetes/reason.ts';
import * as kinds from '../src/kubernetes/resource.ts';

/** Of Services `PREFIX-FROM` to `PREFIX-TO`, the last one excluded. */
export interface WriterOrder {
  /** `whole`: each is created and then given a status. */
  readonly what: 'create' | 'whole' | 'delete' | 'slice';
  readonly namespace: string;
  readonly prefix: string;
  readonly from: number;
  readonly to: number;
  /** Of each slice. */
  readonly endpoints?: number;
  /** Of `whole`: a status as the product writes it. Its address does not matter to the server. */
  readonly status?: object;
  /** Of `whole`: so many events besides. */
  readonly events?: number;
}

export interface WriterAnswer {
  /** `steadyMilliseconds`. */
  readonly began: number;
  readonly ended: number;
  readonly failed: number;
}

const objects = createGate(32);
const statuses = createGate(32);
const events = createGate(4);
const [, , kubeconfig = ''] = process.argv;
const access = await findAccess({ kubeconfig, who: 'daemon' });
if (!access.ok) throw new Error(JSON.stringify(access.reason));
using client = createApiClient({ access: access.value, userAgent: 'bare-writer' });
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await follow(JSON.parse(line) as WriterOrder))}\n`);

async function follow(order: WriterOrder): Promise<WriterAnswer> {
  const began = steadyMilliseconds();
  const indices = Array.from({ length: order.to - order.from }, (_, index) => order.from + index);
  const works = indices.map(async (index) => {
    const outcome = await objects.pass(() => write(order, `${order.prefix}-${index}`));
    if (order.what !== 'whole' || !outcome.ok) return outcome;
    return statuses.pass(() => writeStatus(order, `${order.prefix}-${index}`));
  });
  const told = indices
    .slice(0, order.events ?? 0)
    .map((index) => events.pass(() => writeEvent(order, `${order.prefix}-${index}`)));
  const failures = (await Promise.all([...works, ...told])).flatMap((one) => (one.ok ? [] : one.reason));
  if (failures[0] !== undefined) process.stderr.write(`${JSON.stringify(failures[0])}\n`);
  return { began, ended: steadyMilliseconds(), failed: failures.length };
}

function write({ what, namespace, endpoints = 1 }: WriterOrder, name: string): Promise<ApiResult<unknown>> {
  switch (what) {
    case 'create':
    case 'whole':
      return createObject(client, kinds.services, {
        metadata: { namespace, name },
        spec: {
          type: 'LoadBalancer',
          allocateLoadBalancerNodePorts: false,
          ipFamilyPolicy: 'SingleStack',
          ipFamilies: ['IPv4'],
          ports: [{ name: 'http', port: 80, targetPort: 8080 }],
        },
      });
    case 'delete':
      return deleteObject(client, kinds.services, { namespace, name });
    case 'slice':
      return createObject(client, kinds.endpointSlices, {
        metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
        endpoints: Array.from({ length: endpoints }, (_, endpoint) => ({
          addresses: [`198.18.${Math.floor(endpoint / 250) + 1}.${(endpoint % 250) + 1}`],
          conditions: { ready: true },
          nodeName: 'node1',
        })),
      });
    default:
      return what satisfies never;
  }
}

function writeStatus({ namespace, status }: WriterOrder, name: string): Promise<ApiResult<unknown>> {
  const { metadata = {}, ...rest } = (status ?? {}) as { readonly metadata?: object };
  return applyObject(
    client,
    kinds.services,
    { ...rest, metadata: { ...metadata, namespace, name } },
    { fieldManager: 'bare-writer', isForced: true, subresource: 'status' },
  );
}

function writeEvent({ namespace }: WriterOrder, name: string): Promise<ApiResult<unknown>> {
  return createObject(client, kinds.events, {
    metadata: { namespace, generateName: `${name}.` },
    involvedObject: { apiVersion: 'v1', kind: 'Service', namespace, name },
    reason: 'IPAllocated',
    message: 'Assigned IP ["198.18.0.1"]',
    type: 'Normal',
    source: { component: 'bare-writer' },
    count: 1,
  });
}
