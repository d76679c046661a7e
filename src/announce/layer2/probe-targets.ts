// Which free addresses a node probes: of each pool that is on its links the next ones to be given, shared among the nodes.
import { type Address, type AddressRange, type Cidr, cidrRange, formatAddress } from '../../model/address.ts';
import type { Stranger } from '../../model/address-probe.ts';
import type { Pool } from '../../model/pool.ts';
import type { World } from '../../model/world.ts';
import { rendezvousScore } from '../rendezvous.ts';
import type { NodeInterface } from './interfaces.ts';
import type { ProbeTarget } from './probing.ts';

export interface ProbeScene {
  readonly world: World;
  /** This one. */
  readonly node: string;
  /** Its own. */
  readonly interfaces: readonly NodeInterface[];
  readonly isAllocated: (address: Address) => boolean;
  /** These do not take their share. */
  readonly deadNodes: ReadonlySet<string>;
  /** Found by this node; what others found is in the World. They are probed as long as their addresses are free. */
  readonly strangers: readonly Stranger[];
}

export interface ProbePlan {
  readonly targets: readonly ProbeTarget[];
  /** Pools with addresses on this node's links. */
  readonly pools: readonly string[];
}

/** Of each pool and family: what is given next is known, and a large pool costs no more than a small one. */
const addressesAhead = 64;

export function probePlan(scene: ProbeScene): ProbePlan {
  const targets = new Map<string, ProbeTarget>();
  const pools: string[] = [];
  const asked = askedFor(scene);
  const found = foundBefore(scene);
  for (const pool of scene.world.pools.values()) {
    if (pool.probe === 'off') continue;
    const places = placesOf(pool, scene.interfaces);
    if (places.length === 0) continue;
    pools.push(pool.name);
    for (const target of wantedOf(scene, pool, places, [
      ...asked,
      ...[...found.values()].map(({ address }) => address),
    ])) {
      const text = formatAddress(target.address);
      if (!scene.isAllocated(target.address) && isOurs(scene, target, text))
        targets.set(text, { ...target, found: found.get(text) });
    }
  }
  return { targets: [...targets.values()], pools: pools.sort() };
}

/** A part of a pool that is on a link of this node. */
interface Place {
  readonly range: AddressRange;
  readonly interface: string;
  readonly subnet: Cidr;
}

function placesOf(pool: Pool, interfaces: readonly NodeInterface[]): Place[] {
  return pool.ranges.flatMap((range) =>
    interfaces
      .filter(({ up }) => up)
      .flatMap(({ name, subnets }) =>
        subnets.flatMap((subnet): Place[] => {
          const part = intersection(range, cidrRange(subnet));
          return part === undefined ? [] : [{ range: part, interface: name, subnet }];
        }),
      ),
  );
}

function intersection(a: AddressRange, b: AddressRange): AddressRange | undefined {
  if (a.first.family !== b.first.family) return undefined;
  const first = a.first.value > b.first.value ? a.first : b.first;
  const last = a.last.value < b.last.value ? a.last : b.last;
  return first.value > last.value ? undefined : { first, last };
}

/** Those of interest, which are asked for or strangers use, and those that are given next. */
function* wantedOf(
  { isAllocated }: ProbeScene,
  { probe }: Pool,
  places: readonly Place[],
  ofInterest: readonly Address[],
): Generator<ProbeTarget & { readonly subnet: Cidr }> {
  const isAwaited = probe === 'before';
  const left = { IPv4: addressesAhead, IPv6: addressesAhead };
  for (const { range, interface: name, subnet } of places) {
    const { family } = range.first;
    const target = (address: Address) => ({ address, interface: name, isAwaited, subnet });
    for (const address of ofInterest) if (isWithin(range, address)) yield target(address);
    for (let { value } = range.first; value <= range.last.value && left[family] > 0; value += 1n) {
      if (isAllocated({ family, value })) continue;
      left[family] -= 1;
      yield target({ family, value });
    }
  }
}

const isWithin = ({ first, last }: AddressRange, { family, value }: Address): boolean =>
  family === first.family && value >= first.value && value <= last.value;

/** By address. A restart, or a share that moves, must not free what a stranger uses until he is looked for again. */
const foundBefore = ({ world, strangers }: ProbeScene): ReadonlyMap<string, Stranger> =>
  new Map(
    [...[...world.addressProbes.values()].flatMap(({ inUse }) => inUse), ...strangers].map((stranger) => [
      formatAddress(stranger.address),
      stranger,
    ]),
  );

/** What Services ask for that have no address yet. */
const askedFor = ({ world }: ProbeScene): Address[] =>
  [...world.services.values()].flatMap(({ request, allocated, type }) =>
    type === 'LoadBalancer' && allocated.addresses.length === 0 ? request.addresses : [],
  );

/** Of the nodes on the link one probes an address: each its share. */
function isOurs(
  { world, node, deadNodes }: ProbeScene,
  { subnet }: { readonly subnet: Cidr },
  address: string,
): boolean {
  const range = cidrRange(subnet);
  const mine = rendezvousScore(node, address);
  for (const other of world.nodes.values()) {
    if (other.name === node || !other.isMember || deadNodes.has(other.name)) continue;
    if (!other.addresses.some((own) => isWithin(range, own))) continue;
    const theirs = rendezvousScore(other.name, address);
    if (theirs > mine || (theirs === mine && other.name < node)) return false;
  }
  return true;
}
