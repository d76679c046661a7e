// A problem with one object of the input: which object, which field, which value, which rule, and where it is written.

export interface ObjectProblem {
  /** Where it was read: a path relative to the folder, or empty for an API object. */
  readonly file: string;
  /** 1-based; undefined where it cannot be told. */
  readonly line: number | undefined;
  /** Empty where the document is too broken to tell. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** A path such as `spec.addresses[1]`; empty for the whole object. */
  readonly field: string;
  /** The offending value as JSON, cut to 80 characters. */
  readonly value: string;
  /** What must hold and what to do, as a sentence. */
  readonly rule: string;
  /** An error sets the object (or its change) aside; a warning leaves it in force. */
  readonly severity: 'error' | 'warning';
}

/** `file:line: Kind namespace/name: field: value: rule`, leaving out what is not known. */
export function formatProblem(problem: ObjectProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  const name = problem.namespace === '' ? problem.name : `${problem.namespace}/${problem.name}`;
  const parts = [place, `${problem.kind} ${name}`.trim(), problem.field, problem.value, problem.rule];
  return parts.filter((part) => part !== '').join(': ');
}
