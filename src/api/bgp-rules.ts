// The rules between the BGP kinds: what they refer to exists, and no two say different things of one route.
import { type AddressRange, familyBits } from '../model/address.ts';
import type { BfdProfile, BgpAdvertisement, BgpPeer, Community } from '../model/bgp.ts';
import type { Node } from '../model/node.ts';
import type { Pool } from '../model/pool.ts';
import { anySelectorMatches } from '../model/selector.ts';
import type { AdmissionRules } from './admission.ts';
import { advertisedPools } from './advertised-pools.ts';
import { type FieldProblem, fieldError } from './field-problem.ts';

/** One name stands for one community, over all Community objects. */
export function communityRules(): AdmissionRules<Community> {
  const owners = new Map<string, string>();
  return {
    refusals: (object) =>
      object.communities.flatMap(({ name }, index) => {
        const owner = owners.get(name);
        if (owner === undefined) return [];
        const rule = `The Community ${owner} has this name already: rename one of the two.`;
        return [fieldError(['spec', 'communities', index, 'name'], name, rule)];
      }),
    admit(object) {
      for (const { name } of object.communities) owners.set(name, object.name);
    },
  };
}

export function bgpPeerRules(profiles: ReadonlyMap<string, BfdProfile>): AdmissionRules<BgpPeer> {
  return {
    refusals({ bfdProfile, enableGracefulRestart }, before) {
      const problems: FieldProblem[] = [];
      if (bfdProfile !== undefined && !profiles.has(bfdProfile)) {
        const rule = `There is no BFDProfile ${bfdProfile}: add it, or correct the name.`;
        problems.push(fieldError(['spec', 'bfdProfile'], bfdProfile, rule));
      }
      if (before !== undefined && before.enableGracefulRestart !== enableGracefulRestart) {
        const rule = 'This cannot be changed on a peer that is in force: delete the peer and add it again.';
        problems.push(fieldError(['spec', 'enableGracefulRestart'], enableGracefulRestart, rule));
      }
      return problems;
    },
    admit() {},
  };
}

/** What BGPAdvertisements are judged against. */
export interface BgpSurroundings {
  readonly pools: ReadonlyMap<string, Pool>;
  readonly communities: ReadonlyMap<string, Community>;
  readonly nodes: ReadonlyMap<string, Node>;
}

interface Advertised {
  readonly advertisement: BgpAdvertisement;
  readonly pools: ReadonlySet<Pool>;
}

export function bgpAdvertisementRules(around: BgpSurroundings): AdmissionRules<BgpAdvertisement> {
  const names = new Set(
    [...around.communities.values()].flatMap((object) => object.communities.map(({ name }) => name)),
  );
  const admitted: Advertised[] = [];
  const advertisedBy = (advertisement: BgpAdvertisement): Advertised => ({
    advertisement,
    pools: advertisedPools(advertisement, around.pools),
  });
  return {
    refusals(advertisement) {
      const advertised = advertisedBy(advertisement);
      return [
        ...unknownCommunities(advertisement, names),
        ...aggregationErrors(advertised),
        ...localPrefErrors(advertised, admitted, around.nodes),
      ];
    },
    admit(advertisement) {
      admitted.push(advertisedBy(advertisement));
    },
  };
}

function unknownCommunities({ communities }: BgpAdvertisement, names: ReadonlySet<string>): FieldProblem[] {
  return communities.flatMap((text, index) => {
    if (text.includes(':') || names.has(text)) return [];
    const rule = `No Community has an entry named ${text}: add one, or write the value, such as 64512:100.`;
    return [fieldError(['spec', 'communities', index], text, rule)];
  });
}

/** An aggregate must not reach beyond the block of the pool that it stands for. */
function aggregationErrors({ advertisement, pools }: Advertised): FieldProblem[] {
  const fields = { IPv4: 'aggregationLength', IPv6: 'aggregationLengthV6' } as const;
  for (const pool of pools) {
    for (const range of pool.ranges) {
      const field = fields[range.first.family];
      const shortest = shortestPrefixWithin(range);
      if (advertisement[field] >= shortest) continue;
      const rule = `The pool ${pool.name} has a block of length ${shortest}, and an aggregate must not be larger: give at least ${shortest}.`;
      return [fieldError(['spec', field], advertisement[field], rule)];
    }
  }
  return [];
}

/** The prefix length of the largest CIDR block that lies within the range. */
export function shortestPrefixWithin({ first, last }: AddressRange): number {
  const bits = familyBits(first.family);
  for (let length = 0; length < bits; length++) {
    const size = 1n << BigInt(bits - length);
    const start = ((first.value + size - 1n) / size) * size;
    if (start + size - 1n <= last.value) return length;
  }
  return bits;
}

/** Two advertisements of one route to one peer must agree on its local preference. */
function localPrefErrors(
  advertised: Advertised,
  admitted: readonly Advertised[],
  nodes: ReadonlyMap<string, Node>,
): FieldProblem[] {
  const { advertisement } = advertised;
  const rival = admitted.find(
    (entry) =>
      (entry.advertisement.localPref ?? 0) !== (advertisement.localPref ?? 0) &&
      sharePeer(entry.advertisement, advertisement) &&
      shareRoute(entry, advertised) &&
      shareNode(entry.advertisement, advertisement, nodes),
  )?.advertisement;
  if (rival === undefined) return [];
  const rule = `The BGPAdvertisement ${rival.name} gives the same routes to the same peers the local preference ${rival.localPref ?? 0}: make them equal.`;
  return [fieldError(['spec', 'localPref'], advertisement.localPref, rule)];
}

const sharePeer = (a: BgpAdvertisement, b: BgpAdvertisement): boolean =>
  a.peers.length === 0 || b.peers.length === 0 || a.peers.some((peer) => b.peers.includes(peer));

function shareNode(a: BgpAdvertisement, b: BgpAdvertisement, nodes: ReadonlyMap<string, Node>): boolean {
  if (a.nodeSelectors.length === 0 || b.nodeSelectors.length === 0) return true;
  return [...nodes.values()].some(
    ({ labels }) =>
      anySelectorMatches(a.nodeSelectors, labels) && anySelectorMatches(b.nodeSelectors, labels),
  );
}

function shareRoute(a: Advertised, b: Advertised): boolean {
  const sameLength = {
    IPv4: a.advertisement.aggregationLength === b.advertisement.aggregationLength,
    IPv6: a.advertisement.aggregationLengthV6 === b.advertisement.aggregationLengthV6,
  };
  const [fewer, more] = a.pools.size < b.pools.size ? [a.pools, b.pools] : [b.pools, a.pools];
  for (const pool of fewer)
    if (more.has(pool) && pool.ranges.some(({ first }) => sameLength[first.family])) return true;
  return false;
}
