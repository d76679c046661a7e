// Service (v1): what it asks for, under Kubernetes' own rules where they matter to a load balancer.
//
// A folder has no API server to fill in defaults, so these are ours, and the API's: type ClusterIP, protocol TCP,
// both traffic policies Cluster, affinity timeout 10800 s, ipFamilyPolicy SingleStack (RequireDualStack where two
// families are listed). `ipFamilies` stays empty where it is not given: who allocates decides by the pools.
import * as z from 'zod/mini';
import { type Cidr, parseCidr } from '../model/address.ts';
import { type Service, serviceKey } from '../model/service.ts';
import { addressRequest } from './address-request.ts';
import { type FieldProblem, fieldError, hasError, type Parsed } from './field-problem.ts';
import { dnsLabel, labels, manifest } from './metadata.ts';
import { portName, portNumber, protocol } from './port-schema.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';
import { allocatedOf } from './status.ts';

/** RFC 6335 §5.1, as Kubernetes has it: the name of a container's port. */
const targetPortName = z
  .string()
  .check(
    z.regex(
      /^(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?$/,
      "A container port's name has 1 to 15 lower-case letters, digits and single dashes, one letter at least.",
    ),
  );

const servicePort = z.strictObject({
  name: z._default(portName, ''),
  protocol: z._default(protocol, 'TCP'),
  port: portNumber,
  targetPort: z.optional(
    z.union([portNumber, targetPortName], {
      error: "This must be a number from 1 to 65535 or a container port's name.",
    }),
  ),
  nodePort: z.optional(z.int().check(z.gte(0), z.lte(65_535))),
  appProtocol: z.optional(z.string()),
});

const trafficPolicy = z.enum(['Cluster', 'Local']);

export const serviceSpec = z.strictObject({
  type: z._default(z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']), 'ClusterIP'),
  ports: z._default(z.array(servicePort), []),
  selector: z._default(labels, {}),
  clusterIP: z.optional(z.string()),
  clusterIPs: z.optional(z.array(z.string())),
  ipFamilies: z._default(z.array(z.enum(['IPv4', 'IPv6'])).check(z.maxLength(2)), []),
  ipFamilyPolicy: z.optional(z.enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])),
  externalTrafficPolicy: z._default(trafficPolicy, 'Cluster'),
  internalTrafficPolicy: z._default(trafficPolicy, 'Cluster'),
  sessionAffinity: z._default(z.enum(['None', 'ClientIP']), 'None'),
  sessionAffinityConfig: z.optional(
    z.strictObject({
      clientIP: z.optional(
        z.strictObject({ timeoutSeconds: z.optional(z.int().check(z.gte(1), z.lte(86_400))) }),
      ),
    }),
  ),
  loadBalancerIP: z.optional(z.string()),
  loadBalancerClass: z.optional(z.string().check(z.minLength(1))),
  loadBalancerSourceRanges: z._default(z.array(z.string()), []),
  healthCheckNodePort: z.optional(z.int().check(z.gte(0), z.lte(65_535))),
  publishNotReadyAddresses: z._default(z.boolean(), false),
  allocateLoadBalancerNodePorts: z.optional(z.boolean()),
  externalIPs: z.optional(z.array(z.string())),
  externalName: z.optional(z.string()),
  trafficDistribution: z.optional(z.string()),
});

const service = manifest(dnsLabel, { spec: z.prefault(serviceSpec, {}) });

type Spec = z.output<typeof serviceSpec>;

const defaultAffinityTimeoutSeconds = 10_800;

export function parseService(raw: RawObject): Parsed<Service> {
  const { manifest, problems: found } = readBySchema(service, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const { metadata, spec } = manifest;
  const ranges = sourceRanges(spec);
  const problems = [...found, ...portProblems(spec), ...familyProblems(spec), ...ranges.problems];
  if (hasError(problems)) return { object: undefined, problems };

  const request = addressRequest(metadata.annotations, spec.loadBalancerIP);
  const allocated = allocatedOf(raw);
  const namespace = metadata.namespace ?? 'default';
  return {
    object: {
      key: serviceKey(namespace, metadata.name),
      namespace,
      name: metadata.name,
      labels: metadata.labels,
      type: spec.type,
      loadBalancerClass: spec.loadBalancerClass,
      ports: spec.ports.map(({ name, protocol, port, nodePort }) => ({
        name,
        protocol,
        port,
        nodePort: given(nodePort),
      })),
      selector: spec.selector,
      ipFamilies: spec.ipFamilies,
      ipFamilyPolicy:
        spec.ipFamilyPolicy ?? (spec.ipFamilies.length === 2 ? 'RequireDualStack' : 'SingleStack'),
      externalTrafficPolicy: spec.externalTrafficPolicy,
      internalTrafficPolicy: spec.internalTrafficPolicy,
      affinityTimeoutSeconds: affinityTimeoutSeconds(spec),
      loadBalancerSourceRanges: ranges.object,
      healthCheckNodePort: given(spec.healthCheckNodePort),
      publishNotReadyAddresses: spec.publishNotReadyAddresses,
      request: request.object,
      allocated: allocated.object ?? { addresses: [], pool: undefined },
      creationTimestamp: metadata.creationTimestamp,
    },
    problems: [...problems, ...request.problems, ...allocated.problems],
  };
}

/** The API writes 0 for a port that is not given. */
const given = (port: number | undefined): number | undefined => (port === 0 ? undefined : port);

function affinityTimeoutSeconds(spec: Spec): number | undefined {
  if (spec.sessionAffinity === 'None') return undefined;
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds;
}

function portProblems(spec: Spec): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const headless = spec.clusterIP === 'None';
  if (spec.ports.length === 0 && !headless && spec.type !== 'ExternalName') {
    problems.push(fieldError(['spec', 'ports'], undefined, 'A Service needs at least one port: add it.'));
  }
  if (headless && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    const rule = `A headless Service has no address to answer on: remove this or the type ${spec.type}.`;
    problems.push(fieldError(['spec', 'clusterIP'], spec.clusterIP, rule));
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, { name, protocol, port }] of spec.ports.entries()) {
    const path = ['spec', 'ports', index];
    const number = `${protocol} ${port}`;
    if (numbers.has(number)) {
      problems.push(
        fieldError([...path, 'port'], port, `Port ${port} is given twice for ${protocol}: remove one.`),
      );
    }
    if (name === '' && spec.ports.length > 1) {
      problems.push(fieldError([...path, 'name'], undefined, 'Each of several ports needs a name: add it.'));
    } else if (names.has(name)) {
      problems.push(fieldError([...path, 'name'], name, 'This name is given to two ports: rename one.'));
    }
    numbers.add(number);
    names.add(name);
  }
  return problems;
}

function familyProblems(spec: Spec): FieldProblem[] {
  const [first, second] = spec.ipFamilies;
  if (second === undefined) return [];
  if (first === second) {
    return [fieldError(['spec', 'ipFamilies', 1], second, 'This family is given twice: remove one.')];
  }
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const rule = 'Two families are listed: choose PreferDualStack or RequireDualStack, or list one.';
  return [fieldError(['spec', 'ipFamilyPolicy'], spec.ipFamilyPolicy, rule)];
}

function sourceRanges(spec: Spec): {
  readonly object: readonly Cidr[];
  readonly problems: readonly FieldProblem[];
} {
  const object: Cidr[] = [];
  const problems: FieldProblem[] = [];
  for (const [index, text] of spec.loadBalancerSourceRanges.entries()) {
    const cidr = parseCidr(text);
    if (cidr !== undefined) object.push(cidr);
    else {
      const rule = 'This must be a CIDR block, such as 198.51.100.0/24.';
      problems.push(fieldError(['spec', 'loadBalancerSourceRanges', index], text, rule));
    }
  }
  return { object, problems };
}
