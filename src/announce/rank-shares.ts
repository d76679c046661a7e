// Which nodes may answer for each share of an address that is spread, the most wanted first: by rendezvous, in even parts.

import { shareKeys, sharesPerAddress } from '../model/share.ts';
import { rendezvousScore } from './rendezvous.ts';

/** How much a node is wanted for the whole address. */
export interface Contender {
  readonly node: string;
  /** Services that it serves there. */
  readonly served: number;
  /** Of the preferences that match it. */
  readonly weight: number;
}

/** More Services served, then higher weight; 0 for nodes that are wanted alike. */
export const byPreference = (a: Contender, b: Contender): number =>
  b.served - a.served || b.weight - a.weight;

/**
 * The contenders' order for each share. `name` is what is hashed with the node and the share. Those that are wanted most,
 * and alike, have the shares among them: each goes to the highest score of those that have not their part yet, so that a
 * node that comes or goes moves few shares beside its own. What a dead node had goes to the next by score alone.
 */
export function rankShares<T extends Contender>(contenders: readonly T[], name: string): T[][] {
  const [best] = contenders.toSorted(byPreference);
  if (best === undefined) return [];
  const wanted = contenders.filter((contender) => byPreference(contender, best) === 0);
  const part = Math.ceil(sharesPerAddress / wanted.length);
  const load = new Map<string, number>();
  const loadOf = ({ node }: Contender): number => load.get(node) ?? 0;
  return shareKeys(name).map((key) => {
    const ranked = byScore(contenders, key);
    const first = ranked.find((contender) => wanted.includes(contender) && loadOf(contender) < part) ?? best;
    load.set(first.node, loadOf(first) + 1);
    return [first, ...ranked.filter((contender) => contender !== first)];
  });
}

/** By preference, then by rendezvous score of the node and the name. */
export const byScore = <T extends Contender>(contenders: readonly T[], name: string): T[] =>
  contenders
    .map((contender) => ({ contender, score: rendezvousScore(contender.node, name) }))
    .sort(
      (a, b) =>
        byPreference(a.contender, b.contender) ||
        Number(b.score > a.score) - Number(b.score < a.score) ||
        (a.contender.node < b.contender.node ? -1 : 1),
    )
    .map(({ contender }) => contender);
