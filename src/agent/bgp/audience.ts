// Peers that are told the same routes: what is wanted of each route, and an Adj-RIB-Out for each way of writing it.

import { packWithdrawn } from '../../announce/bgp/pack.ts';
import { type PathIntent, type PathPeer, type PathSet, pathSet } from '../../announce/bgp/path-set.ts';
import { type Prefix, type PrefixKey, prefixKey } from '../../announce/bgp/prefix.ts';
import {
  addReader,
  createRibOut,
  type Reader,
  type RibOut,
  removeReader,
  type WantedRoute,
  want,
} from '../../announce/bgp/rib-out.ts';
import { type Family, formatAddress } from '../../model/address.ts';

export interface Audience {
  /** Undefined withdraws. Equal intents must be the same object. */
  want(prefix: Prefix, intent: PathIntent | undefined): void;
  /** What a session that is new has to be told; nothing but End-of-RIB where the peer has no next hop to be told. */
  join(manner: Manner): Telling;
  routes(family: Family): Iterable<Route>;
  /** From now on the routes ask to be left (RFC 8326), or do so no more. */
  setLeaving(isLeaving: boolean): void;
}

export interface Route {
  readonly prefix: Prefix;
  readonly intent: PathIntent;
}

/** All that makes two peers be sent other bytes for the same routes. */
export interface Manner extends Omit<PathPeer, 'isLeaving'> {
  readonly family: Family;
  readonly isFourByteAs: boolean;
  readonly isExtended: boolean;
}

/** One session's place in the routes of one family. */
export interface Telling {
  readonly rib: RibOut;
  readonly reader: Reader;
  readonly manner: Manner;
  /** Routes that the peer is to have. */
  size(): number;
  end(): void;
}

interface Rib {
  readonly rib: RibOut;
  readonly manner: Manner;
  readonly sets: Sets;
  users: number;
}

/** As they are, and as they are said while this node asks to be left; gone with what they are made of. */
type Sets = Readonly<Record<'staying' | 'leaving', WeakMap<PathIntent, PathSet>>>;

export function createAudience(): Audience {
  const routes = { IPv4: new Map<PrefixKey, Route>(), IPv6: new Map<PrefixKey, Route>() };
  const ribs = new Map<string, Rib>();
  let isLeaving = false;

  const setOf = ({ manner, sets }: Pick<Rib, 'manner' | 'sets'>, intent: PathIntent): PathSet => {
    const made = sets[isLeaving ? 'leaving' : 'staying'];
    const known = made.get(intent);
    if (known !== undefined) return known;
    const set = pathSet(intent, { ...manner, isLeaving });
    made.set(intent, set);
    return set;
  };
  function* tableFor(manner: Manner, sets: Rib['sets']): Generator<WantedRoute> {
    if (manner.nextHops.length === 0) return;
    for (const { prefix, intent } of routes[manner.family].values())
      yield [prefix, setOf({ manner, sets }, intent)];
  }

  return {
    want(prefix, intent) {
      const { family } = prefix.address;
      const key = prefixKey(prefix);
      if (intent === undefined) routes[family].delete(key);
      else routes[family].set(key, { prefix, intent });
      for (const one of ribs.values())
        if (one.manner.family === family && one.manner.nextHops.length > 0)
          want(one.rib, prefix, intent && setOf(one, intent));
    },
    join(manner) {
      const key = keyOf(manner);
      let one = ribs.get(key);
      if (one === undefined) {
        const sets: Sets = { staying: new WeakMap(), leaving: new WeakMap() };
        one = { rib: createRibOut(manner, tableFor(manner, sets)), manner, sets, users: 0 };
        ribs.set(key, one);
      }
      const { rib } = one;
      const user = one;
      const reader = addReader(rib);
      user.users++;
      return {
        rib,
        reader,
        manner,
        size: () => (manner.nextHops.length === 0 ? 0 : routes[manner.family].size),
        end() {
          removeReader(rib, reader);
          if (--user.users === 0) ribs.delete(key);
        },
      };
    },
    routes: (family) => routes[family].values(),
    setLeaving(next) {
      if (next === isLeaving) return;
      isLeaving = next;
      for (const { rib, manner, sets } of ribs.values())
        for (const [prefix, set] of tableFor(manner, sets)) want(rib, prefix, set);
    },
  };
}

const keyOf = ({ family, isFourByteAs, isExtended, isInternal, localAsn, nextHops }: Manner): string =>
  [family, isFourByteAs, isExtended, isInternal, localAsn, ...nextHops.map(formatAddress)].join(' ');

/**
 * The same session among others that are told something else, or in another manner: the routes that are not told any more
 * are withdrawn, the others sent again.
 */
export function moveTelling(
  telling: Telling,
  from: Audience,
  to: Audience,
  manner = telling.manner,
): Telling {
  const { family } = manner;
  const told = (audience: Audience, { nextHops }: Manner): readonly Route[] =>
    nextHops.length === 0 ? [] : [...audience.routes(family)];
  const kept = new Set(told(to, manner).map(({ prefix }) => prefixKey(prefix)));
  const gone = told(from, telling.manner).filter(({ prefix }) => !kept.has(prefixKey(prefix)));
  const next = to.join(manner);
  next.reader.waiting = packWithdrawn(
    gone.map(({ prefix }) => prefix),
    next.rib.context,
  );
  next.reader.owes = telling.reader.owes;
  telling.end();
  return next;
}
