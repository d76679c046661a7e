// A Service as Gantry sees it: what was asked for, and the addresses that its status says it has.
import type { Address, Cidr, Family } from './address.ts';
import type { Labels } from './selector.ts';

/** `namespace/name`. */
export type ServiceKey = string;

export const serviceKey = (namespace: string, name: string): ServiceKey => `${namespace}/${name}`;

export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type TrafficPolicy = 'Cluster' | 'Local';

export interface Service {
  readonly key: ServiceKey;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly loadBalancerClass: string | undefined;
  readonly ports: readonly ServicePort[];
  /** The pod selector; empty where endpoints are written by hand. */
  readonly selector: Labels;
  /** In order of preference, the primary first; empty where the Service leaves it open. */
  readonly ipFamilies: readonly Family[];
  readonly ipFamilyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly internalTrafficPolicy: TrafficPolicy;
  /** Set for `sessionAffinity: ClientIP`; seconds since the last new connection of a client. */
  readonly affinityTimeoutSeconds: number | undefined;
  /** Empty: everyone may connect. */
  readonly loadBalancerSourceRanges: readonly Cidr[];
  readonly healthCheckNodePort: number | undefined;
  readonly publishNotReadyAddresses: boolean;
  readonly request: AddressRequest;
  /** What `status.loadBalancer.ingress` and the pool annotation say it has; empty before the first allocation. */
  readonly allocated: Allocated;
  /** RFC 3339, or undefined. The oldest of two rivals for one address keeps it. */
  readonly creationTimestamp: string | undefined;
  /** Which version of the object this was read from, where an API counts them and somebody writes to it. */
  readonly version?: ObjectVersion;
}

export interface ObjectVersion {
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface ServicePort {
  /** Empty for a Service's only port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number | undefined;
}

/** What the Service's annotations and `spec.loadBalancerIP` ask for. */
export interface AddressRequest {
  readonly pool: string | undefined;
  /** At most one a family. */
  readonly addresses: readonly Address[];
  readonly sharingKey: string | undefined;
  /** Annotations written with the legacy prefix `metallb.universe.tf/`, each worth a warning. */
  readonly legacyAnnotations: readonly string[];
  /** What makes the request unusable, as a sentence naming field and value; such a Service is not allocated. */
  readonly problem: string | undefined;
}

export interface Allocated {
  readonly addresses: readonly Address[];
  /** From `metallb.io/ip-allocated-from-pool`. */
  readonly pool: string | undefined;
}
