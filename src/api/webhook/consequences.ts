// What a change of one configuration object does to the others: who would be set aside, and who would be warned.

import type { ObjectOfKind } from '../../model/world.ts';
import type { Candidate } from '../admission.ts';
import {
  type ConfigurationKind,
  type CrossObjectInput,
  type CrossObjectProblem,
  planConfiguration,
} from '../cross-object.ts';
import type { FieldProblem } from '../field-problem.ts';
import { idOf } from '../parse-object.ts';

export interface Consequences {
  /** What the rules between objects say of the object itself. */
  readonly own: readonly FieldProblem[];
  /** What is new with the others. */
  readonly others: readonly CrossObjectProblem[];
}

/** Of putting `candidate` where the object of this kind and name is, or of taking that away (undefined). Pure. */
export function consequences<K extends ConfigurationKind>(
  kind: K,
  name: string,
  candidate: Candidate<ObjectOfKind[K]> | undefined,
  input: CrossObjectInput,
): Consequences {
  const before = planConfiguration(input);
  const after = planConfiguration({
    ...input,
    candidates: { ...input.candidates, [kind]: replaced(input.candidates[kind], name, candidate) },
    inForce: before.inForce,
  });
  const isOwn = (problem: CrossObjectProblem): boolean => problem.kind === kind && problem.key === name;
  const known = new Set(before.problems.map(standing));
  return {
    own: after.problems.filter(isOwn).map(({ problem }) => problem),
    others: after.problems.filter((problem) => !isOwn(problem) && !known.has(standing(problem))),
  };
}

/** One that was set aside already is not set aside by this change, whatever the reason is now. */
const standing = (found: CrossObjectProblem): string => `${found.problem.severity} ${idOf(found)}`;

function replaced<T>(
  map: ReadonlyMap<string, T>,
  name: string,
  value: T | undefined,
): ReadonlyMap<string, T> {
  const copy = new Map(map);
  if (value === undefined) copy.delete(name);
  else copy.set(name, value);
  return copy;
}
