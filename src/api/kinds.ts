// The kinds that Gantry reads: how each is served, keyed and parsed.
import type { Kind, ObjectOfKind } from '../model/world.ts';
import { parseAddressProbe } from './address-probe.ts';
import { parseBfdProfile } from './bfd-profile.ts';
import { parseBgpAdvertisement } from './bgp-advertisement.ts';
import { parseBgpPeer } from './bgp-peer.ts';
import { parseCommunity } from './community.ts';
import { parseEndpointSlice } from './endpoint-slice.ts';
import type { Parsed } from './field-problem.ts';
import { parseIpAddressPool } from './ip-address-pool.ts';
import { parseL2Advertisement } from './l2-advertisement.ts';
import { parseNamespace } from './namespace.ts';
import { parseNode } from './node.ts';
import type { RawObject } from './record.ts';
import { parseSecret } from './secret.ts';
import { parseService } from './service.ts';

export interface KindSpec<K extends Kind> {
  readonly apiVersions: readonly string[];
  /** As in an API path, and in `.status/`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /**
   * `namespace/name` (an absent namespace is `default`), or the name alone. Gantry's own kinds are namespaced in the
   * API, but only those in Gantry's own namespace count, so that their name says enough; a folder may leave it out.
   */
  readonly keyedBy: 'namespace/name' | 'name';
  /** Never throws. The object's kind and apiVersion are known to be this kind's. */
  readonly parse: (raw: RawObject) => Parsed<ObjectOfKind[K]>;
}

export const kinds: { readonly [K in Kind]: KindSpec<K> } = {
  Service: {
    apiVersions: ['v1'],
    plural: 'services',
    namespaced: true,
    keyedBy: 'namespace/name',
    parse: parseService,
  },
  EndpointSlice: {
    apiVersions: ['discovery.k8s.io/v1'],
    plural: 'endpointslices',
    namespaced: true,
    keyedBy: 'namespace/name',
    parse: parseEndpointSlice,
  },
  Node: { apiVersions: ['v1'], plural: 'nodes', namespaced: false, keyedBy: 'name', parse: parseNode },
  Namespace: {
    apiVersions: ['v1'],
    plural: 'namespaces',
    namespaced: false,
    keyedBy: 'name',
    parse: parseNamespace,
  },
  Secret: {
    apiVersions: ['v1'],
    plural: 'secrets',
    namespaced: true,
    keyedBy: 'namespace/name',
    parse: parseSecret,
  },
  IPAddressPool: ownKind('ipaddresspools', parseIpAddressPool),
  L2Advertisement: ownKind('l2advertisements', parseL2Advertisement),
  BGPAdvertisement: ownKind('bgpadvertisements', parseBgpAdvertisement),
  BGPPeer: ownKind('bgppeers', parseBgpPeer, ['metallb.io/v1beta1', 'metallb.io/v1beta2']),
  BFDProfile: ownKind('bfdprofiles', parseBfdProfile),
  Community: ownKind('communities', parseCommunity),
  AddressProbe: ownKind('addressprobes', parseAddressProbe, ['gantry.dev/v1alpha1']),
};

function ownKind<K extends Kind>(
  plural: string,
  parse: (raw: RawObject) => Parsed<ObjectOfKind[K]>,
  apiVersions: readonly string[] = ['metallb.io/v1beta1'],
): KindSpec<K> {
  return { apiVersions, plural, namespaced: true, keyedBy: 'name', parse };
}

export const isKind = (kind: string): kind is Kind => Object.hasOwn(kinds, kind);
