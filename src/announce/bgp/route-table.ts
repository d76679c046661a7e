// What each audience of peers is to be told: the offers of all addresses, merged by prefix, and kept as they change.
import { familyBits, formatCidr } from '../../model/address.ts';
import { type CommunityValue, formatCommunity } from './community.ts';
import type { PathIntent } from './path-set.ts';
import type { Offer } from './plan.ts';
import type { Prefix } from './prefix.ts';

export interface RouteTable {
  /** The offers of one address, in place of those before. */
  set(address: string, offers: readonly Offer[]): void;
  /**
   * Who is told apart: `everyone`, and the peers that some advertisement names. What they are to be told is told at once;
   * who is left out is told nothing more.
   */
  setAudiences(names: ReadonlySet<string>): void;
  offersOf(address: string): readonly Offer[];
  /** Prefixes of more than one address: the same list until there are others. */
  aggregates(): readonly Prefix[];
}

/** The audience of peers that no advertisement names. */
export const everyone = '';

interface Route {
  readonly prefix: Prefix;
  readonly offers: Map<string, readonly Offer[]>;
}

/** `want` is called with each change; undefined withdraws. Equal intents are one object. */
export function createRouteTable(
  want: (audience: string, prefix: Prefix, intent: PathIntent | undefined) => void,
): RouteTable {
  const byAddress = new Map<string, readonly Offer[]>();
  const routes = new Map<string, Route>();
  let audiences: ReadonlySet<string> = new Set();
  let intents = new Map<string, PathIntent>();
  const aggregates = new Map<string, Prefix>();
  let aggregateList: readonly Prefix[] | undefined = [];

  const intern = (intent: PathIntent): PathIntent => {
    const key = keyOf(intent);
    const known = intents.get(key);
    if (known !== undefined) return known;
    // Intents that are of no route any more are let go from time to time.
    if (intents.size > 2 * routes.size + 1000) intents = new Map();
    intents.set(key, intent);
    return intent;
  };
  const noteAggregate = (key: string, prefix: Prefix, isThere: boolean): void => {
    if (aggregates.has(key) === isThere) return;
    if (isThere) aggregates.set(key, prefix);
    else aggregates.delete(key);
    aggregateList = undefined;
  };
  const tell = (audience: string, { prefix, offers }: Route): void => {
    const heard = [...offers.values()]
      .flat()
      .filter(({ peers }) => peers.length === 0 || peers.includes(audience));
    want(audience, prefix, heard.length === 0 ? undefined : intern(merged(prefix, heard)));
  };

  return {
    set(address, offers) {
      const before = byAddress.get(address) ?? [];
      if (before.length + offers.length === 0) return;
      if (offers.length === 0) byAddress.delete(address);
      else byAddress.set(address, offers);
      const touched = new Map<string, Prefix>();
      for (const { prefix } of [...before, ...offers]) touched.set(formatCidr(prefix), prefix);
      for (const [key, prefix] of touched) {
        const route = routes.get(key) ?? { prefix, offers: new Map() };
        const own = offers.filter((one) => formatCidr(one.prefix) === key);
        if (own.length === 0) route.offers.delete(address);
        else route.offers.set(address, own);
        if (route.offers.size === 0) routes.delete(key);
        else routes.set(key, route);
        if (isAggregate(prefix)) noteAggregate(key, prefix, route.offers.size > 0);
        for (const audience of audiences) tell(audience, route);
      }
    },
    setAudiences(names) {
      const added = names.difference(audiences);
      const removed = audiences.difference(names);
      audiences = names;
      for (const route of routes.values()) {
        for (const audience of added) tell(audience, route);
        for (const audience of removed) want(audience, route.prefix, undefined);
      }
    },
    offersOf: (address) => byAddress.get(address) ?? [],
    aggregates() {
      aggregateList ??= [...aggregates.values()];
      return aggregateList;
    },
  };
}

const isAggregate = ({ address, prefixLength }: Prefix): boolean => prefixLength < familyBits(address.family);

/** 1 Mbit/s an endpoint: only the proportions between nodes matter. */
const endpointBytesPerSecond = 125_000;

/** Several offers of one prefix: all communities, and the highest preference. */
function merged(prefix: Prefix, offers: readonly Offer[]): PathIntent {
  const communities = new Map<string, CommunityValue>();
  let localPreference: number | undefined;
  for (const offer of offers) {
    for (const community of offer.communities) communities.set(formatCommunity(community), community);
    if (offer.localPreference !== undefined)
      localPreference = Math.max(localPreference ?? 0, offer.localPreference);
  }
  const sorted = [...communities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, community]) => community);
  return { localPreference, communities: sorted, bandwidthBytesPerSecond: bandwidth(prefix, offers) };
}

/** Of a single address that leads to this node's endpoints alone; an aggregate's nodes are all alike. */
function bandwidth(prefix: Prefix, offers: readonly Offer[]): number | undefined {
  const weight = offers[0]?.weight;
  if (weight === undefined || isAggregate(prefix)) return undefined;
  return weight * endpointBytesPerSecond;
}

const keyOf = ({ localPreference, communities, bandwidthBytesPerSecond }: PathIntent): string =>
  [localPreference, bandwidthBytesPerSecond, ...communities.map(formatCommunity)].join(' ');
