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

export function bgpAdvertisementRules(around: BgpSurroundings): AdmissionRules<BgpAdvertisement> {
  const names = new Set(
    [...around.communities.values()].flatMap((object) => object.communities.map(({ name }) => name)),
  );
  const admitted: BgpAdvertisement[] = [];
  return {
    refusals: (advertisement) => [
      ...unknownCommunities(advertisement, names),
      ...aggregationErrors(advertisement, around.pools),
      ...localPrefErrors(advertisement, admitted, around),
    ],
    admit(advertisement) {
      admitted.push(advertisement);
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
function aggregationErrors(
  advertisement: BgpAdvertisement,
  pools: ReadonlyMap<string, Pool>,
): FieldProblem[] {
  const fields = { IPv4: 'aggregationLength', IPv6: 'aggregationLengthV6' } as const;
  for (const pool of advertisedPools(advertisement, pools)) {
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
  advertisement: BgpAdvertisement,
  admitted: readonly BgpAdvertisement[],
  { pools, nodes }: BgpSurroundings,
): FieldProblem[] {
  const rival = admitted.find(
    (other) =>
      (other.localPref ?? 0) !== (advertisement.localPref ?? 0) &&
      (other.peers.length === 0 ||
        advertisement.peers.length === 0 ||
        other.peers.some((peer) => advertisement.peers.includes(peer))) &&
      shareNode(other, advertisement, nodes) &&
      shareRoute(other, advertisement, pools),
  );
  if (rival === undefined) return [];
  const rule = `The BGPAdvertisement ${rival.name} gives the same routes to the same peers the local preference ${rival.localPref ?? 0}: make them equal.`;
  return [fieldError(['spec', 'localPref'], advertisement.localPref, rule)];
}

function shareNode(a: BgpAdvertisement, b: BgpAdvertisement, nodes: ReadonlyMap<string, Node>): boolean {
  if (a.nodeSelectors.length === 0 || b.nodeSelectors.length === 0) return true;
  return [...nodes.values()].some(
    ({ labels }) =>
      anySelectorMatches(a.nodeSelectors, labels) && anySelectorMatches(b.nodeSelectors, labels),
  );
}

function shareRoute(a: BgpAdvertisement, b: BgpAdvertisement, pools: ReadonlyMap<string, Pool>): boolean {
  const theirs = new Set(advertisedPools(b, pools));
  const common = advertisedPools(a, pools).filter((pool) => theirs.has(pool));
  const sameLength = {
    IPv4: a.aggregationLength === b.aggregationLength,
    IPv6: a.aggregationLengthV6 === b.aggregationLengthV6,
  };
  return common.some(({ ranges }) => ranges.some(({ first }) => sameLength[first.family]));
}
