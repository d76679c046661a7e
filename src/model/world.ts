// Everything the planners read, indexed by key; a source's change batches are applied to it and tell what they touched.
import type { AddressProbe } from './address-probe.ts';
import type { L2Advertisement } from './advertisement.ts';
import type { BfdProfile, BgpAdvertisement, BgpPeer, Community } from './bgp.ts';
import type { EndpointSlice, EndpointSliceKey } from './endpoint-slice.ts';
import type { Namespace, Node } from './node.ts';
import type { Pool } from './pool.ts';
import type { Secret } from './secret.ts';
import type { Service, ServiceKey } from './service.ts';

/** The kinds a source delivers, with the model type of each. Namespaced kinds are keyed `namespace/name`. */
export interface ObjectOfKind {
  Service: Service;
  EndpointSlice: EndpointSlice;
  Node: Node;
  Namespace: Namespace;
  IPAddressPool: Pool;
  L2Advertisement: L2Advertisement;
  BGPAdvertisement: BgpAdvertisement;
  BGPPeer: BgpPeer;
  BFDProfile: BfdProfile;
  Community: Community;
  AddressProbe: AddressProbe;
  /** Those with passwords of peers. */
  Secret: Secret;
}

export type Kind = keyof ObjectOfKind;

/** One object's new state; undefined: it is gone. */
export type Change = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly key: string;
    readonly object: ObjectOfKind[K] | undefined;
  };
}[Kind];

export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** True from the batch on with which the first list is whole: before it nothing may be programmed or freed. */
  readonly complete: boolean;
}

export interface World {
  complete: boolean;
  readonly services: Map<ServiceKey, Service>;
  readonly endpointSlices: Map<EndpointSliceKey, EndpointSlice>;
  /** The same slices by the Service they belong to. */
  readonly slicesOfService: Map<ServiceKey, Map<EndpointSliceKey, EndpointSlice>>;
  readonly nodes: Map<string, Node>;
  readonly namespaces: Map<string, Namespace>;
  readonly pools: Map<string, Pool>;
  readonly l2Advertisements: Map<string, L2Advertisement>;
  readonly bgpAdvertisements: Map<string, BgpAdvertisement>;
  readonly bgpPeers: Map<string, BgpPeer>;
  readonly bfdProfiles: Map<string, BfdProfile>;
  readonly communities: Map<string, Community>;
  /** By node. */
  readonly addressProbes: Map<string, AddressProbe>;
  /** By `namespace/name`. */
  readonly secrets: Map<string, Secret>;
}

/** What a batch changed: the planners look at these keys again, and at nothing else. */
export interface Touched {
  /** Services whose object changed. */
  readonly services: Set<ServiceKey>;
  /** Services whose endpoints changed. */
  readonly endpoints: Set<ServiceKey>;
  readonly nodes: Set<string>;
  readonly namespaces: Set<string>;
  readonly pools: Set<string>;
  readonly l2Advertisements: Set<string>;
  readonly bgpAdvertisements: Set<string>;
  readonly bgpPeers: Set<string>;
  readonly bfdProfiles: Set<string>;
  readonly communities: Set<string>;
  readonly addressProbes: Set<string>;
  readonly secrets: Set<string>;
  /** True for the batch that completed the first list. */
  readonly becameComplete: boolean;
}

export function emptyWorld(): World {
  return {
    complete: false,
    services: new Map(),
    endpointSlices: new Map(),
    slicesOfService: new Map(),
    nodes: new Map(),
    namespaces: new Map(),
    pools: new Map(),
    l2Advertisements: new Map(),
    bgpAdvertisements: new Map(),
    bgpPeers: new Map(),
    bfdProfiles: new Map(),
    communities: new Map(),
    addressProbes: new Map(),
    secrets: new Map(),
  };
}

export const nothingTouched = (becameComplete = false): Touched => ({
  services: new Set(),
  endpoints: new Set(),
  nodes: new Set(),
  namespaces: new Set(),
  pools: new Set(),
  l2Advertisements: new Set(),
  bgpAdvertisements: new Set(),
  bgpPeers: new Set(),
  bfdProfiles: new Set(),
  communities: new Set(),
  addressProbes: new Set(),
  secrets: new Set(),
  becameComplete,
});

/** Applies a batch in place and tells what it touched. */
export function applyBatch(world: World, batch: ChangeBatch): Touched {
  const touched = nothingTouched(batch.complete && !world.complete);
  for (const change of batch.changes) applyChange(world, change, touched);
  if (batch.complete) world.complete = true;
  return touched;
}

function applyChange(world: World, change: Change, touched: Touched): void {
  switch (change.kind) {
    case 'Service':
      put(world.services, change.key, change.object);
      touched.services.add(change.key);
      return;
    case 'EndpointSlice':
      putSlice(world, change.key, change.object, touched);
      return;
    case 'Node':
      put(world.nodes, change.key, change.object);
      touched.nodes.add(change.key);
      return;
    case 'Namespace':
      put(world.namespaces, change.key, change.object);
      touched.namespaces.add(change.key);
      return;
    case 'IPAddressPool':
      put(world.pools, change.key, change.object);
      touched.pools.add(change.key);
      return;
    case 'L2Advertisement':
      put(world.l2Advertisements, change.key, change.object);
      touched.l2Advertisements.add(change.key);
      return;
    case 'BGPAdvertisement':
      put(world.bgpAdvertisements, change.key, change.object);
      touched.bgpAdvertisements.add(change.key);
      return;
    case 'BGPPeer':
      put(world.bgpPeers, change.key, change.object);
      touched.bgpPeers.add(change.key);
      return;
    case 'BFDProfile':
      put(world.bfdProfiles, change.key, change.object);
      touched.bfdProfiles.add(change.key);
      return;
    case 'Community':
      put(world.communities, change.key, change.object);
      touched.communities.add(change.key);
      return;
    case 'AddressProbe':
      put(world.addressProbes, change.key, change.object);
      touched.addressProbes.add(change.key);
      return;
    case 'Secret':
      put(world.secrets, change.key, change.object);
      touched.secrets.add(change.key);
      return;
    default:
      change satisfies never;
  }
}

function put<T>(map: Map<string, T>, key: string, object: T | undefined): void {
  if (object === undefined) map.delete(key);
  else map.set(key, object);
}

/** A slice may change its Service: then both are touched. */
function putSlice(world: World, key: string, slice: EndpointSlice | undefined, touched: Touched): void {
  const before = world.endpointSlices.get(key);
  put(world.endpointSlices, key, slice);
  if (before !== undefined) {
    const siblings = world.slicesOfService.get(before.service);
    siblings?.delete(key);
    if (siblings?.size === 0) world.slicesOfService.delete(before.service);
    touched.endpoints.add(before.service);
  }
  if (slice !== undefined) {
    const siblings = world.slicesOfService.get(slice.service) ?? new Map<EndpointSliceKey, EndpointSlice>();
    siblings.set(key, slice);
    world.slicesOfService.set(slice.service, siblings);
    touched.endpoints.add(slice.service);
  }
}
