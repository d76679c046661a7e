// Which of the configuration objects come into force together, where rules hold between them.
import { isDeepStrictEqual } from 'node:util';
import type { FieldProblem } from './field-problem.ts';

/** An object that is valid by itself. */
export interface Candidate<T> {
  readonly object: T;
  /** RFC 3339; undefined counts as later than any. */
  readonly creationTimestamp: string | undefined;
}

/** The rules of one kind, fed with the objects as they are admitted. */
export interface AdmissionRules<T> {
  /** What the object breaks beside those admitted so far. `before` is its version in force. */
  refusals(object: T, before: T | undefined): readonly FieldProblem[];
  admit(object: T): void;
}

export interface Refusal {
  readonly name: string;
  readonly problem: FieldProblem;
}

export interface Admission<T> {
  readonly admitted: ReadonlyMap<string, T>;
  readonly refusals: readonly Refusal[];
}

/**
 * Admits candidates one by one; each refused one stands aside alone. Who is in force unchanged comes first, then who
 * is `established` (in force until now), then the older, then by name: a new object never displaces an old one. The
 * version in force of a refused candidate stays, if the rules still allow it.
 */
export function admit<T>(
  candidates: ReadonlyMap<string, Candidate<T>>,
  inForce: ReadonlyMap<string, T>,
  established: ReadonlySet<string>,
  rules: AdmissionRules<T>,
): Admission<T> {
  const ordered = [...candidates]
    .map(([name, candidate]) => {
      const before = inForce.get(name);
      const object =
        isDeepStrictEqual(before, candidate.object) && before !== undefined ? before : candidate.object;
      const rank = object === before ? 0 : before !== undefined || established.has(name) ? 1 : 2;
      return { name, before, object, rank, time: timeOf(candidate) };
    })
    .sort((a, b) => a.rank - b.rank || a.time - b.time || (a.name < b.name ? -1 : 1));
  const admitted = new Map<string, T>();
  const refusals: Refusal[] = [];
  for (const { name, before, object } of ordered) {
    const problems = rules.refusals(object, before);
    for (const problem of problems) refusals.push({ name, problem });
    const fallback = before !== object && before !== undefined && rules.refusals(before, before).length === 0;
    const taken = problems.length === 0 ? object : fallback ? before : undefined;
    if (taken === undefined) continue;
    rules.admit(taken);
    admitted.set(name, taken);
  }
  return { admitted, refusals };
}

const timeOf = ({ creationTimestamp }: Candidate<unknown>): number =>
  creationTimestamp === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(creationTimestamp);

/** For kinds without rules between objects. */
export const noRules = <T>(): AdmissionRules<T> => ({ refusals: () => [], admit: () => {} });
