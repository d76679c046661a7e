// Which addresses have a former owner that still knows their connections: from the moves that the member's machine tells.
import type { PastHolder } from '../announce/membership/past-holders.ts';
import type { MemberEffect } from '../announce/membership/state.ts';
import type { FormerOwner } from '../dataplane/nftables/former-owner.ts';
import { addressOfKey, shareKeys } from '../model/share.ts';
import type { FormerOwners } from './former-owners.ts';

export interface KeptConnections {
  /** Before anybody hears of the moves. */
  follow(effects: readonly MemberEffect[]): void;
  /** Ends what is over; to be called now and then. */
  expire(): void;
  /** By key, the node that had it before. */
  entries(): (readonly [key: string, node: string])[];
  /** Goes on with a predecessor's. */
  inherit(entries: readonly (readonly [key: string, node: string])[]): void;
}

export interface KeptConnectionsOptions {
  readonly formerOwners: FormerOwners;
  /** Undefined where packets cannot be passed back to the node. */
  readonly resolve: (key: string, node: string) => FormerOwner | undefined;
  readonly now: () => number;
}

/** Neighbours may send here for so long after an address has gone; they are told of the move again after 1.1 s. */
const afterwardsMilliseconds = 5000;

interface Kept {
  readonly node: string;
  /** Infinity while the address is this node's. */
  readonly until: number;
}

export function createKeptConnections({
  formerOwners,
  resolve,
  now,
}: KeptConnectionsOptions): KeptConnections {
  const kept = new Map<string, Kept>();

  /** With an address go the shares that others had of it, when it was spread before. */
  const keptWith = (key: string): readonly string[] =>
    kept.size === 0 || addressOfKey(key) !== key ? [key] : [key, ...shareKeys(key)];

  const stop = (keys: readonly string[]): void => {
    for (const key of keys) kept.delete(key);
    if (keys.length > 0) formerOwners.stop(keys);
  };

  const begin = (entries: readonly (readonly [key: string, node: string])[]): void => {
    const given: FormerOwner[] = [];
    for (const [key, node] of entries) {
      const entry = resolve(key, node);
      if (entry === undefined) continue;
      kept.set(key, { node, until: Number.POSITIVE_INFINITY });
      given.push(entry);
    }
    if (given.length > 0) formerOwners.passBack(given);
  };

  return {
    follow(effects) {
      const given: PastHolder[] = [];
      const ended: string[] = [];
      for (const effect of effects) {
        if (effect.kind === 'silence') {
          const until = now() + afterwardsMilliseconds;
          for (const key of keptWith(effect.key)) {
            const before = kept.get(key);
            if (before !== undefined) kept.set(key, { node: before.node, until });
          }
        } else if (effect.kind === 'speak') {
          const { key, from, isGiven, otherwise } = effect.claim;
          if (isGiven && from !== undefined) given.push([key, from]);
          else {
            if (kept.has(key)) ended.push(key);
            given.push(...otherwise);
          }
        } else if (effect.kind === 'dead' && effect.cause === 'silent')
          for (const [key, { node }] of kept) if (node === effect.node) ended.push(key);
      }
      stop(ended);
      begin(given);
    },
    expire() {
      const time = now();
      stop([...kept].filter(([, { until }]) => until <= time).map(([key]) => key));
    },
    entries: () =>
      [...kept]
        .filter(([, { until }]) => until === Number.POSITIVE_INFINITY)
        .map(([key, { node }]) => [key, node]),
    inherit: begin,
  };
}
