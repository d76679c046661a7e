// Objects with all fields set, for tests and benches: those given differ.
import { type Address, parseAddress } from './address.ts';
import type { AddressRequest, Service } from './service.ts';

export function sampleAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** A load balancer on port 80 by TCP, which asks for nothing and has nothing yet. */
export function sampleService(
  key: string,
  change: Partial<Service> = {},
  request: Partial<AddressRequest> = {},
): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    key,
    namespace,
    name,
    labels: {},
    type: 'LoadBalancer',
    loadBalancerClass: undefined,
    ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: undefined }],
    selector: { app: name },
    ipFamilies: [],
    ipFamilyPolicy: 'SingleStack',
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    affinityTimeoutSeconds: undefined,
    loadBalancerSourceRanges: [],
    healthCheckNodePort: undefined,
    publishNotReadyAddresses: false,
    request: {
      pool: undefined,
      addresses: [],
      sharingKey: undefined,
      legacyAnnotations: [],
      problem: undefined,
      ...request,
    },
    allocated: { addresses: [], pool: undefined },
    creationTimestamp: undefined,
    ...change,
  };
}
