// Why a Service's packets are not forwarded as one may expect, and what to do about it.
import type { Family } from '../model/address.ts';
import type { Sentences } from '../model/reason.ts';
import type { Protocol, ServiceKey } from '../model/service.ts';
import type { FrontendKey } from './table.ts';

/** A Service's port and family: what all of these but the last few are about. */
interface OfPort {
  readonly service: ServiceKey;
  /** The port's name, or its number where it has none. */
  readonly port: string;
  readonly family: Family;
}

export type DataPlaneReason =
  | ({ readonly kind: 'no-endpoints' } & OfPort)
  | ({ readonly kind: 'no-ready-endpoints'; readonly endpoints: number } & OfPort)
  | ({
      readonly kind: 'port-not-in-endpoint-slices';
      readonly protocol: Protocol;
      /** What the slices offer, as `name/PROTOCOL`. */
      readonly offered: readonly string[];
    } & OfPort)
  | ({ readonly kind: 'no-local-endpoints'; readonly node: string } & OfPort)
  | ({ readonly kind: 'only-terminating-endpoints' } & OfPort)
  | ({ readonly kind: 'only-endpoints-on-dead-nodes'; readonly nodes: readonly string[] } & OfPort)
  | {
      readonly kind: 'frontend-taken';
      readonly service: ServiceKey;
      readonly frontend: FrontendKey;
      readonly by: ServiceKey;
    }
  | { readonly kind: 'other-service-proxy'; readonly service: ServiceKey; readonly proxy: string }
  | {
      readonly kind: 'kernel-refused';
      readonly service: ServiceKey;
      /** What was asked of the kernel, such as `add element outside4`. */
      readonly operation: string;
      /** The kernel's answer: an errno's name and, where it gave one, its text. */
      readonly error: string;
    }
  | { readonly kind: 'flows-not-ended'; readonly error: string };

const port = (reason: OfPort): string => `port ${reason.port} of Service ${reason.service}`;

export const dataPlaneSentences: Sentences<DataPlaneReason> = {
  'no-endpoints': (reason) =>
    `${port(reason)} has no ${reason.family} endpoints, so its connections are rejected; check the Service's selector and that its pods run`,
  'no-ready-endpoints': (reason) =>
    `none of the ${reason.endpoints} ${reason.family} endpoints of ${port(reason)} is ready, so its connections are rejected; look at the pods' readiness`,
  'port-not-in-endpoint-slices': (reason) =>
    `no EndpointSlice has a port named "${reason.port}" with protocol ${reason.protocol} for Service ${reason.service} (${reason.family}; there is: ${reason.offered.join(', ') || 'none'}); name the ports alike in both`,
  'no-local-endpoints': (reason) =>
    `${port(reason)} has externalTrafficPolicy Local and no ready ${reason.family} endpoint on node ${reason.node}, so traffic from outside is dropped there; send it to a node that has one, or use Cluster`,
  'only-terminating-endpoints': (reason) =>
    `all usable ${reason.family} endpoints of ${port(reason)} are terminating and are used while they serve; wait for their successors, or look at why none is ready`,
  'only-endpoints-on-dead-nodes': (reason) =>
    `all usable ${reason.family} endpoints of ${port(reason)} are on nodes that seem dead (${reason.nodes.join(', ')}) and are kept because no other remains; look at these nodes`,
  'frontend-taken': (reason) =>
    `${reason.frontend} of Service ${reason.service} already belongs to Service ${reason.by}, which is older; give one of them another port or address`,
  'other-service-proxy': (reason) =>
    `Service ${reason.service} is left to the Service proxy "${reason.proxy}"; remove its label service.kubernetes.io/service-proxy-name to have it served here`,
  'kernel-refused': (reason) =>
    `the kernel refused "${reason.operation}" for Service ${reason.service} (${reason.error}), so it stays as it was; it is tried again with its next change and by the audit`,
  'flows-not-ended': (reason) =>
    `connection tracking could not be read or changed (${reason.error}), so UDP clients may go on sending to endpoints that stopped serving; check that the kernel has nf_conntrack_netlink`,
};
