// What Gantry reports about objects, in the API's own spelling; and the reverse: the addresses a Service's status gives.
import { type Address, formatAddress, parseAddress } from '../model/address.ts';
import { formatProblem, type ObjectProblem } from '../model/problem.ts';
import type { Allocated, ObjectVersion } from '../model/service.ts';
import { sharesPerAddress } from '../model/share.ts';
import type { Condition, StatusObject } from '../model/status.ts';
import { type FieldProblem, fieldError, type Parsed } from './field-problem.ts';
import { isRecord } from './record.ts';

export const allocatedFromPoolAnnotation = 'metallb.io/ip-allocated-from-pool';
/** What MetalLB wrote in former versions; read, never written. */
const legacyAllocatedFromPoolAnnotation = 'metallb.universe.tf/ip-allocated-from-pool';

const gantryGroup = 'metallb.io/v1beta1';

export interface ServiceStatusInput {
  readonly namespace: string;
  readonly name: string;
  /** No addresses: the status says that the Service has none. */
  readonly allocated: Allocated;
  readonly conditions: readonly Condition[];
  /** The version of the Service that was decided about; undefined where none are counted. */
  readonly version?: ObjectVersion | undefined;
}

/** Status of a Service: its addresses (every one a VIP), the pool they are from and what hinders it. */
export function serviceStatus(input: ServiceStatusInput): StatusObject {
  const { pool, addresses } = input.allocated;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: input.namespace,
      name: input.name,
      ...(pool === undefined ? {} : { annotations: { [allocatedFromPoolAnnotation]: pool } }),
      ...input.version,
    },
    status: {
      loadBalancer: {
        ingress: addresses.map((address) => ({ ip: formatAddress(address), ipMode: 'VIP' })),
      },
      conditions: input.conditions,
    },
  };
}

/**
 * Reads the addresses and the pool from a Service with a status, be it one that `serviceStatus` wrote or the API's
 * own. Ingress points without an address (host names of other load balancers) are not ours and are passed over.
 */
export function allocatedOf(raw: unknown): Parsed<Allocated> {
  if (!isRecord(raw)) return broken([], raw, 'A status must be an object.');
  const metadata = raw['metadata'];
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined;
  const pool = isRecord(annotations)
    ? (annotations[allocatedFromPoolAnnotation] ?? annotations[legacyAllocatedFromPoolAnnotation])
    : undefined;
  const status = raw['status'];
  const loadBalancer = isRecord(status) ? status['loadBalancer'] : undefined;
  const ingress = (isRecord(loadBalancer) ? loadBalancer['ingress'] : undefined) ?? [];
  const path = ['status', 'loadBalancer', 'ingress'];
  if (!Array.isArray(ingress)) return broken(path, ingress, 'Ingress points must be a list.');
  const addresses: Address[] = [];
  const problems: FieldProblem[] = [];
  for (const [index, point] of ingress.entries()) {
    const ip: unknown = isRecord(point) ? point['ip'] : undefined;
    if (ip === undefined) continue;
    const address = typeof ip === 'string' ? parseAddress(ip) : undefined;
    if (address === undefined)
      problems.push(fieldError([...path, index, 'ip'], ip, 'This must be an IP address.'));
    else addresses.push(address);
  }
  if (problems.length > 0) return { object: undefined, problems };
  return { object: { addresses, pool: typeof pool === 'string' ? pool : undefined }, problems };
}

const broken = (path: readonly string[], value: unknown, rule: string): Parsed<Allocated> => ({
  object: undefined,
  problems: [fieldError(path, value, rule)],
});

export interface PoolStatusInput {
  /** Undefined in a folder whose manifests name none. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly assignedIPv4: bigint;
  readonly assignedIPv6: bigint;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
}

/** Status of an IPAddressPool. A count beyond 2^53−1, as of a /64, is given as 2^53−1: JSON carries no more exactly. */
export function poolStatus(input: PoolStatusInput): StatusObject {
  return {
    apiVersion: gantryGroup,
    kind: 'IPAddressPool',
    metadata: { ...namespaceOf(input.namespace), name: input.name },
    status: {
      assignedIPv4: count(input.assignedIPv4),
      assignedIPv6: count(input.assignedIPv6),
      availableIPv4: count(input.availableIPv4),
      availableIPv6: count(input.availableIPv6),
    },
  };
}

function count(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value);
}

export interface ServiceL2StatusInput {
  /** The node that answers for the Service's addresses. */
  readonly node: string;
  /** The Service's namespace and name. */
  readonly namespace: string;
  readonly name: string;
  /** Names of the interfaces on which the responder really answers. */
  readonly interfaces: readonly string[];
  /** Why it is this node, as a sentence. */
  readonly why: string;
  /** By address, how many shares of it: of those that are spread over nodes. */
  readonly shares?: ReadonlyMap<string, number>;
  /** Gantry's own namespace, where there is one. */
  readonly ownNamespace?: string;
}

/** A ServiceL2Status: this node answers for this Service on these interfaces. */
export function serviceL2Status(input: ServiceL2StatusInput): StatusObject {
  const { node, namespace, name } = input;
  return {
    apiVersion: gantryGroup,
    kind: 'ServiceL2Status',
    metadata: {
      ...namespaceOf(input.ownNamespace),
      name: serviceL2StatusName(node, namespace, name),
      labels: aboutLabels(node, namespace, name),
      annotations: { [whyAnnotation]: input.why, ...sharesAnnotationOf(input.shares) },
    },
    status: {
      node,
      serviceName: name,
      serviceNamespace: namespace,
      interfaces: input.interfaces.map((interfaceName) => ({ name: interfaceName })),
    },
  };
}

/** Why this node answers, for who reads `kubectl describe`. */
export const whyAnnotation = 'gantry.dev/why';

/** How many shares of each address that is spread the node answers for: `192.0.2.200 6/16, 2001:db8::1 5/16`. */
export const sharesAnnotation = 'gantry.dev/shares';

const sharesAnnotationOf = (shares: ReadonlyMap<string, number> = new Map()): Record<string, string> =>
  shares.size === 0
    ? {}
    : {
        [sharesAnnotation]: [...shares]
          .map(([address, count]) => `${address} ${count}/${sharesPerAddress}`)
          .join(', '),
      };

/** The reverse: by address, how many shares. What is no such entry is passed over. */
export const parseShares = (text: string): Map<string, number> =>
  new Map(
    [...text.matchAll(/([0-9a-f.:]+) (\d{1,2})\/\d+/g)].map(
      ([, address = '', count]) => [address, Number(count)] as const,
    ),
  );

/** Unambiguous, because neither a namespace nor a Service's name has a dot; a node's name may. */

export const serviceL2StatusName = (node: string, namespace: string, name: string): string =>
  `l2-${node}.${namespace}.${name}`;

export const serviceBgpStatusName = (node: string, namespace: string, name: string): string =>
  `bgp-${node}.${namespace}.${name}`;

interface AnnouncedService {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
}

/** The reverse of `serviceL2StatusName`; undefined for any other name. */
export const parseServiceL2StatusName = (text: string): AnnouncedService | undefined =>
  parseStatusName(/^l2-(.+)\.([^.]+)\.([^.]+)$/.exec(text));

/** The reverse of `serviceBgpStatusName`; undefined for any other name. */
export const parseServiceBgpStatusName = (text: string): AnnouncedService | undefined =>
  parseStatusName(/^bgp-(.+)\.([^.]+)\.([^.]+)$/.exec(text));

function parseStatusName(match: RegExpExecArray | null): AnnouncedService | undefined {
  const [, node, namespace, name] = match ?? [];
  if (node === undefined || namespace === undefined || name === undefined) return undefined;
  return { node, namespace, name };
}

export interface ServiceBgpStatusInput {
  readonly node: string;
  /** The Service's namespace and name. */
  readonly namespace: string;
  readonly name: string;
  /** Names of the BGPPeers that have been told of its addresses. */
  readonly peers: readonly string[];
  /** Gantry's own namespace, where there is one. */
  readonly ownNamespace?: string;
}

/** A ServiceBGPStatus: these peers have been told by this node of the Service's addresses. */
export function serviceBgpStatus(input: ServiceBgpStatusInput): StatusObject {
  const { node, namespace, name, peers } = input;
  return {
    apiVersion: gantryGroup,
    kind: 'ServiceBGPStatus',
    metadata: {
      ...namespaceOf(input.ownNamespace),
      name: serviceBgpStatusName(node, namespace, name),
      labels: aboutLabels(node, namespace, name),
    },
    status: { node, serviceName: name, serviceNamespace: namespace, peers },
  };
}

const aboutLabels = (node: string, namespace: string, name: string): Readonly<Record<string, string>> => ({
  'metallb.io/node': node,
  'metallb.io/service-name': name,
  'metallb.io/service-namespace': namespace,
});

export interface ConfigurationStateInput {
  readonly component: 'controller' | 'agent';
  /** The node's name for an agent. */
  readonly node: string | undefined;
  /** All problems that stand; undefined while the configuration has not been read yet. */
  readonly problems: readonly ObjectProblem[] | undefined;
  /** RFC 3339: when the result last became what it is. */
  readonly since: string;
  readonly ownNamespace?: string;
}

/** ConfigurationState of one component; an agent is what the reference's users know as a `speaker`. */
export function configurationState(input: ConfigurationStateInput): StatusObject {
  const componentType = input.component === 'agent' ? 'speaker' : 'controller';
  const errors = input.problems?.filter((problem) => problem.severity === 'error');
  const result = errors === undefined ? 'Unknown' : errors.length > 0 ? 'Invalid' : 'Valid';
  const errorSummary = summary(errors ?? []);
  const condition: Condition = {
    type: 'ConfigurationValid',
    status: result === 'Valid' ? 'True' : result === 'Invalid' ? 'False' : 'Unknown',
    reason: result === 'Valid' ? 'AllAccepted' : result === 'Invalid' ? 'ObjectsSetAside' : 'NotReadYet',
    message: errorSummary,
    lastTransitionTime: input.since,
  };
  return {
    apiVersion: gantryGroup,
    kind: 'ConfigurationState',
    metadata: {
      ...namespaceOf(input.ownNamespace),
      name: input.node === undefined ? componentType : `${componentType}-${input.node}`,
      labels: {
        'metallb.io/component-type': componentType,
        ...(input.node === undefined ? {} : { 'metallb.io/node-name': input.node }),
      },
    },
    status: { result, errorSummary, conditions: [condition] },
  };
}

/** The first ten errors, a line each: a status object has a size limit, and a reader a limit too. */
function summary(errors: readonly ObjectProblem[]): string {
  const lines = errors.slice(0, 10).map(formatProblem);
  if (errors.length > lines.length) lines.push(`and ${errors.length - lines.length} more`);
  return lines.join('\n');
}

const namespaceOf = (namespace: string | undefined): { namespace?: string } =>
  namespace === undefined ? {} : { namespace };
