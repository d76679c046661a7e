// EndpointSlices (discovery.k8s.io/v1): where a Service's packets may go.
import type { Address, Family } from './address.ts';
import type { Protocol, ServiceKey } from './service.ts';

/** `namespace/name`. */
export type EndpointSliceKey = string;

export interface EndpointSlice {
  readonly key: EndpointSliceKey;
  /** From the label `kubernetes.io/service-name`. */
  readonly service: ServiceKey;
  readonly family: Family;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
  /** A check of ours, where nobody else probes readiness. */
  readonly healthCheck: HealthCheck | undefined;
}

/** Joined to a Service port by its name: the target port, named or not, is resolved here. */
export interface EndpointPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Endpoint {
  /** The first of `addresses`: the others are the same endpoint (a Service proxy uses the first). */
  readonly address: Address;
  /** An absent condition counts as true, as the API says. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
}

export interface HealthCheck {
  readonly type: 'tcp' | 'http';
  /** The endpoint port's name, or undefined for the slice's first. */
  readonly portName: string | undefined;
  /** For http: answered with 200–399 is healthy. */
  readonly path: string;
  readonly intervalMilliseconds: number;
  readonly timeoutMilliseconds: number;
  /** So many failures in a row make it unhealthy; one success makes it healthy again. */
  readonly failureThreshold: number;
}
