// EndpointSlice (discovery.k8s.io/v1): a Service's endpoints, and the check of ours that its annotations ask for.
import * as z from 'zod/mini';
import { type Address, type Family, parseAddress } from '../model/address.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../model/endpoint-slice.ts';
import { serviceKey } from '../model/service.ts';
import { type FieldProblem, fieldError, fieldWarning, hasError, type Parsed } from './field-problem.ts';
import { healthCheckOf } from './health-check.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { portName, portNumber, protocol } from './port-schema.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';
import { unusableAsEndpoint } from './special-addresses.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';

const endpoint = z.strictObject({
  addresses: z.array(z.string()).check(z.minLength(1)),
  conditions: z.prefault(
    z.strictObject({
      ready: z._default(z.boolean(), true),
      serving: z._default(z.boolean(), true),
      terminating: z._default(z.boolean(), false),
    }),
    {},
  ),
  nodeName: z.optional(dnsSubdomain),
  zone: z.optional(z.string()),
  hostname: z.optional(z.string()),
  targetRef: z.optional(z.unknown()),
  hints: z.optional(z.unknown()),
  deprecatedTopology: z.optional(z.unknown()),
});

const endpointPort = z.strictObject({
  name: z._default(portName, ''),
  protocol: z._default(protocol, 'TCP'),
  port: z.optional(portNumber),
  appProtocol: z.optional(z.string()),
});

const endpointSlice = manifest(dnsSubdomain, {
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
  ports: z._default(z.array(endpointPort), []),
  endpoints: z._default(z.array(endpoint), []),
});

export function parseEndpointSlice(raw: RawObject): Parsed<EndpointSlice> {
  const { manifest, problems: found } = readBySchema(endpointSlice, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const { metadata, addressType } = manifest;
  const serviceName = metadata.labels[serviceNameLabel];
  if (serviceName === undefined) {
    const rule = `The slice belongs to no Service, so it has no effect: add the label ${serviceNameLabel}.`;
    return { object: undefined, problems: [...found, fieldWarning(['metadata', 'labels'], undefined, rule)] };
  }
  if (addressType === 'FQDN') {
    const rule = 'Host names have no address to forward to, so the slice has no effect: use IPv4 or IPv6.';
    return { object: undefined, problems: [...found, fieldWarning(['addressType'], addressType, rule)] };
  }
  const ports = portsOf(manifest.ports);
  const endpoints = endpointsOf(addressType, manifest.endpoints);
  const healthCheck = healthCheckOf(metadata.annotations, ports.object);
  const problems = [...found, ...ports.problems, ...endpoints.problems, ...healthCheck.problems];
  if (hasError(problems)) return { object: undefined, problems };
  const namespace = metadata.namespace ?? 'default';
  return {
    object: {
      key: `${namespace}/${metadata.name}`,
      service: serviceKey(namespace, serviceName),
      family: addressType,
      ports: ports.object,
      endpoints: endpoints.object,
      healthCheck: healthCheck.object,
    },
    problems,
  };
}

interface Listed<T> {
  readonly object: readonly T[];
  readonly problems: readonly FieldProblem[];
}

function portsOf(ports: readonly z.output<typeof endpointPort>[]): Listed<EndpointPort> {
  const object: EndpointPort[] = [];
  const problems: FieldProblem[] = [];
  const names = new Set<string>();
  for (const [index, { name, protocol, port }] of ports.entries()) {
    if (names.has(name)) {
      problems.push(
        fieldError(['ports', index, 'name'], name, 'This name is given to two ports: rename one.'),
      );
    }
    names.add(name);
    if (port !== undefined) object.push({ name, protocol, port });
    else {
      const rule = 'A port without a number cannot be forwarded to, so it has no effect: add its number.';
      problems.push(fieldWarning(['ports', index, 'port'], undefined, rule));
    }
  }
  return { object, problems };
}

function endpointsOf(family: Family, endpoints: readonly z.output<typeof endpoint>[]): Listed<Endpoint> {
  const object: Endpoint[] = [];
  const problems: FieldProblem[] = [];
  for (const [index, { addresses, conditions, nodeName, zone }] of endpoints.entries()) {
    const path = ['endpoints', index, 'addresses', 0];
    const [text = ''] = addresses;
    const address = endpointAddress(family, text);
    if (typeof address === 'string') problems.push(fieldError(path, text, address));
    else {
      const { ready, serving, terminating } = conditions;
      object.push({ address, ready, serving, terminating, nodeName, zone });
    }
  }
  return { object, problems };
}

/** The address, or the rule that it breaks. */
function endpointAddress(family: Family, text: string): Address | string {
  const address = parseAddress(text);
  if (address === undefined) return 'This must be an IP address: correct it.';
  if (address.family !== family) return `This must be an ${family} address, as addressType says.`;
  const unusable = unusableAsEndpoint(address);
  if (unusable === undefined) return address;
  return `This is of a ${unusable} block, which cannot be forwarded to: give one that other nodes reach.`;
}
