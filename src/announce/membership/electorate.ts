// Whose majority decides: the memberships that are in use at the same time while one gives way to the next.
//
// To speak, a node needs a majority of *every* configuration that it knows to be in use, granted by watchers that know
// of the same ones. A newer configuration is added by any node; the oldest is dropped by a node that has seen a majority
// of it agree on the newer, for longer than any grant lasts: from then on nobody can gather a majority of the oldest
// alone, because those watchers grant nothing to who knows less than they do. Electorates form a lattice: whatever order
// they are heard of in, all nodes come to the same.

export interface Configuration {
  /** 0: provisional, as a node that starts makes it from what it was told. */
  readonly epoch: number;
  /** Node names, sorted. */
  readonly members: readonly string[];
}

/** In use, in their order: the first is the oldest. Never empty. */
export type Electorate = readonly Configuration[];

export const foundElectorate = (members: readonly string[]): Electorate => [
  { epoch: 0, members: members.toSorted() },
];

export const newest = (electorate: Electorate): Configuration => electorate.at(-1) ?? noConfiguration;
const noConfiguration: Configuration = { epoch: 0, members: [] };

const isProvisional = (electorate: Electorate): boolean => newest(electorate).epoch === 0;

const nameOf = ({ epoch, members }: Configuration): string => `${epoch} ${members.join()}`;

/** By epoch, then by members: any order does, if it is the same everywhere. */
function compare(a: Configuration, b: Configuration): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  const [one, other] = [nameOf(a), nameOf(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * What a node knows after it heard of another's electorate: all configurations of both that are not older than either's
 * oldest. A provisional one gives way to one that is not: it was made by who knew nothing. The same object as `own`
 * where that changes nothing.
 */
export function mergeElectorates(own: Electorate, heard: Electorate): Electorate {
  if (isProvisional(own) !== isProvisional(heard)) return isProvisional(own) ? heard : own;
  const [ownOldest, heardOldest] = [own[0] ?? noConfiguration, heard[0] ?? noConfiguration];
  const oldest = compare(ownOldest, heardOldest) >= 0 ? ownOldest : heardOldest;
  const all = new Map([...own, ...heard].map((configuration) => [nameOf(configuration), configuration]));
  const merged = [...all.values()].filter((one) => compare(one, oldest) >= 0).sort(compare);
  return electorateDigest(merged) === electorateDigest(own) ? own : merged;
}

/** The electorate with a newer configuration of these members. */
export const extendElectorate = (electorate: Electorate, members: readonly string[]): Electorate => [
  ...electorate,
  { epoch: newest(electorate).epoch + 1, members: members.toSorted() },
];

/** Equal for equal electorates, and for no others that meet by chance: 53 bits of FNV-1a over their text. */
export function electorateDigest(electorate: Electorate): number {
  const text = electorate.map(nameOf).join(';');
  let [high, low] = [0x811c9dc5, 0xcbf29ce4];
  for (let index = 0; index < text.length; index++) {
    high = Math.imul(high ^ text.charCodeAt(index), 0x01000193);
    low = Math.imul(low ^ text.charCodeAt(text.length - 1 - index), 0x01000193);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** All that are in any of its configurations, each once. */
export const electors = (electorate: Electorate): string[] => [
  ...new Set(electorate.flatMap(({ members }) => members)),
];

export const majorityOf = ({ members }: Configuration): number => Math.floor(members.length / 2) + 1;

export interface Wish {
  readonly self: string;
  /** All nodes of the cluster. */
  readonly nodes: readonly string[];
  readonly isAlive: (node: string) => boolean;
  /** It has been silent for so long that it may be left out. */
  readonly isForgotten: (node: string) => boolean;
  /** More are not wanted. */
  readonly most: number;
}

/**
 * The members that the next configuration should have: who has left the cluster leaves, who lives joins. Silent ones are
 * left out only where an odd number of at least three remains: an even one bears no more failures than the odd one below
 * it, and of two none.
 */
export function wantedMembers({ members }: Configuration, wish: Wish): readonly string[] {
  const nodes = new Set(wish.nodes);
  const stay = members.filter((name) => nodes.has(name));
  const come = wish.nodes.filter(
    (name) => !stay.includes(name) && (name === wish.self || wish.isAlive(name)),
  );
  // The silent ones are the first to go where there are too many, and where they may be left out.
  const ranked = [...stay, ...come.toSorted()].sort(
    (a, b) => Number(wish.isForgotten(a)) - Number(wish.isForgotten(b)),
  );
  const silent = ranked.filter(wish.isForgotten).length;
  const living = Math.min(ranked.length - silent, wish.most);
  const fewest = Math.max(3, living + (living % 2 === 0 ? 1 : 0));
  return ranked.slice(0, Math.min(ranked.length, fewest, wish.most)).toSorted();
}
