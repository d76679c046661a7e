// Manifests that the demo, the lab tests and the benches write: the fields that matter there, the API's defaults elsewhere.

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [part: string]: unknown;
}

export function nodeManifest(
  name: string,
  addresses: readonly string[],
  podCidrs: readonly string[],
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: { podCIDRs: podCidrs },
    status: {
      addresses: addresses.map((address) => ({ type: 'InternalIP', address })),
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

export function namespaceManifest(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export interface PodSpec {
  readonly name: string;
  readonly node: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** A pod that runs on its node, as its kubelet would tell; ready unless `ready` says otherwise. */
export function podManifest(
  namespace: string,
  { name, node, ipv4, ipv6 }: PodSpec,
  labels: Readonly<Record<string, string>>,
  ready = true,
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'testbed.local/none' }] },
    status: {
      phase: 'Running',
      podIP: ipv4,
      podIPs: [{ ip: ipv4 }, { ip: ipv6 }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

export function poolManifest(name: string, addresses: readonly string[], spec: object = {}): Manifest {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name },
    spec: { addresses, ...spec },
  };
}

export function l2AdvertisementManifest(name: string, spec: object = {}): Manifest {
  return { apiVersion: 'metallb.io/v1beta1', kind: 'L2Advertisement', metadata: { name }, spec };
}

export interface PortSpec {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  /** Where the pods listen. */
  readonly targetPort: number;
}

/** A Service of type LoadBalancer in namespace `namespace`, dual stack unless `spec` says otherwise. */
export function serviceManifest(
  namespace: string,
  name: string,
  ports: readonly PortSpec[],
  spec: object = {},
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels: { app: name } },
    spec: {
      type: 'LoadBalancer',
      selector: { app: name },
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      ports,
      ...spec,
    },
  };
}

export interface EndpointSpec {
  readonly address: string;
  readonly nodeName: string;
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
}

/** One slice of one family, as the EndpointSlice controller would make it. */
export function endpointSliceManifest(
  namespace: string,
  service: string,
  addressType: 'IPv4' | 'IPv6',
  ports: readonly PortSpec[],
  endpoints: readonly EndpointSpec[],
): Manifest {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      name: `${service}-${addressType.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType,
    ports: ports.map(({ name, protocol, targetPort }) => ({ name, protocol, port: targetPort })),
    endpoints: endpoints.map(({ address, nodeName, conditions }) => ({
      addresses: [address],
      nodeName,
      conditions: { ready: true, serving: true, terminating: false, ...conditions },
    })),
  };
}
