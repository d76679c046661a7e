// All that is read of a cluster in which MetalLB runs.
import type { ApiObject } from '../../kubernetes/api-object.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Installation } from './installation.ts';

export interface MetalLb {
  /** Where its objects are. */
  readonly namespace: string;
  readonly installation: Installation;
  /** As Gantry reads it, configured by that namespace. */
  readonly snapshot: Snapshot;
  /** Of all kinds of metallb.io and frrk8s.metallb.io but mere reports, in all namespaces. */
  readonly objects: readonly ApiObject[];
  readonly definitions: readonly ApiObject[];
  /** ValidatingWebhookConfigurations that are about metallb.io, without Gantry's. */
  readonly webhooks: readonly ApiObject[];
  /** The names of those in its namespace. */
  readonly configMaps: readonly string[];
}

/** In the order in which they can be applied: what others refer to comes first. */
export const configuringKinds: readonly string[] = [
  'IPAddressPool',
  'Community',
  'BFDProfile',
  'BGPPeer',
  'L2Advertisement',
  'BGPAdvertisement',
];
