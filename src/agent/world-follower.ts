// The agent's World and the indexes over it: takes batches of changes, and tells what is to be planned again.
import { type AddressIndex, createAddressIndex } from '../announce/address-index.ts';
import { type Claims, emptyClaims, updateClaims } from '../dataplane/claims.ts';
import { type Address, parseAddress } from '../model/address.ts';
import type { EndpointSlice } from '../model/endpoint-slice.ts';
import type { Node } from '../model/node.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import {
  applyBatch,
  type Change,
  type ChangeBatch,
  emptyWorld,
  type Touched,
  type World,
} from '../model/world.ts';
import { createRelation } from './relation.ts';

export interface WorldFollowerOptions {
  /** The Services of other load balancers are as good as absent. */
  readonly isOurs: (service: Service) => boolean;
  /** This machine, for a World that has no Node at all; undefined: there it stays empty. */
  readonly loneNode: Node | undefined;
}

export interface WorldFollower {
  readonly world: World;
  readonly addresses: AddressIndex;
  readonly claims: Claims;
  /** The Services that have the address, in its canonical form. */
  servicesWith(address: string): ReadonlySet<ServiceKey>;
  /** The Services with endpoints on the node. */
  servicesOn(node: string): ReadonlySet<ServiceKey>;
  take(batch: ChangeBatch): Followed;
}

/** What a batch means for the planners. */
export interface Followed {
  /** Services whose object changed. */
  readonly services: ReadonlySet<ServiceKey>;
  /** Services whose endpoints changed. */
  readonly endpoints: ReadonlySet<ServiceKey>;
  /** Services to plan again for forwarding: those above, and who wants the same frontends as they. */
  readonly forwarding: ReadonlySet<ServiceKey>;
  /** Addresses to plan again for announcing on layer 2. */
  readonly announcing: Iterable<Address>;
  /** Addresses whose Services or endpoints changed. */
  readonly addresses: Iterable<Address>;
  /** What else changed. */
  readonly touched: Touched;
  readonly nodes: boolean;
  readonly becameComplete: boolean;
}

export function createWorldFollower({ isOurs, loneNode }: WorldFollowerOptions): WorldFollower {
  const world = emptyWorld();
  const addresses = createAddressIndex();
  const claims = emptyClaims();
  const endpointNodes = createRelation();

  const onlyOurs = (change: Change): Change =>
    change.kind === 'Service' && change.object !== undefined && !isOurs(change.object)
      ? { ...change, object: undefined }
      : change;

  /** The machine stands in until there is a real Node. */
  const keepLoneNode = (): void => {
    if (loneNode === undefined) return;
    const isIn = world.nodes.get(loneNode.name) === loneNode;
    if (world.nodes.size === 0) world.nodes.set(loneNode.name, loneNode);
    else if (isIn && world.nodes.size > 1) world.nodes.delete(loneNode.name);
  };

  return {
    world,
    addresses,
    claims,
    servicesWith(text) {
      const address = parseAddress(text);
      return address === undefined ? new Set() : addresses.servicesOf(address);
    },
    servicesOn: endpointNodes.keysOf,
    take(batch) {
      const touched = applyBatch(world, { ...batch, changes: batch.changes.map(onlyOurs) });
      if (touched.becameComplete || touched.nodes.size > 0) keepLoneNode();
      const forwarding = new Set([...touched.services, ...touched.endpoints]);
      const announcing = new Map<string, Address>();
      const announce = (list: readonly Address[]): void => {
        for (const address of list) announcing.set(`${address.family} ${address.value}`, address);
      };
      for (const key of touched.services) {
        const service = world.services.get(key);
        announce(addresses.update(key, service));
        for (const rival of updateClaims(claims, key, service)) forwarding.add(rival);
      }
      for (const key of touched.endpoints) {
        endpointNodes.set(key, nodesIn(world.slicesOfService.get(key)?.values() ?? []));
        announce(addresses.addressesOf(key));
      }
      const isGeneral = touched.nodes.size + touched.pools.size + touched.l2Advertisements.size > 0;
      return {
        services: touched.services,
        endpoints: touched.endpoints,
        forwarding,
        announcing: isGeneral || touched.becameComplete ? addresses.addresses() : announcing.values(),
        addresses: announcing.values(),
        touched,
        nodes: touched.nodes.size > 0,
        becameComplete: touched.becameComplete,
      };
    },
  };
}

function nodesIn(slices: Iterable<EndpointSlice>): Set<string> {
  const nodes = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { nodeName } of endpoints) if (nodeName !== undefined) nodes.add(nodeName);
  }
  return nodes;
}
