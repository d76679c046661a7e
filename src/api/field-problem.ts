// What a parser finds wrong with one field of one object, before anyone knows which file and line it stands in.
import { deeperThan } from './record.ts';

/** Keys and list indices from the object's root, such as `['spec', 'addresses', 1]`; empty: the whole object. */
export type FieldPath = readonly (string | number)[];

export interface FieldProblem {
  readonly path: FieldPath;
  /** The offending value as it was read; undefined where there is none to show. */
  readonly value: unknown;
  /** What must hold and what to do, as a sentence. */
  readonly rule: string;
  readonly severity: 'error' | 'warning';
}

/**
 * What became of one object. With errors and no object it is set aside, and its last accepted version stays in force;
 * without either there is nothing in it for us. An object with errors is in force, and refused by who plans with it.
 */
export interface Parsed<T> {
  readonly object: T | undefined;
  readonly problems: readonly FieldProblem[];
}

export const fieldError = (path: FieldPath, value: unknown, rule: string): FieldProblem => ({
  path,
  value,
  rule,
  severity: 'error',
});

export const fieldWarning = (path: FieldPath, value: unknown, rule: string): FieldProblem => ({
  path,
  value,
  rule,
  severity: 'warning',
});

export const hasError = (problems: readonly FieldProblem[]): boolean =>
  problems.some((problem) => problem.severity === 'error');

/** `spec.addresses[1]`; a key that is not a plain word is quoted: `metadata.annotations["metallb.io/address-pool"]`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

const deepestShown = 64;
const longestShown = 80;

/** A value as JSON for a person, cut to 80 characters, passwords hidden; empty for undefined. */
export function formatValue(path: FieldPath, value: unknown): string {
  // Of a long text no more is looked at than is shown.
  if (typeof value === 'string' && value.length > longestShown && path.at(-1) !== 'password')
    return `${JSON.stringify(value.slice(0, longestShown)).slice(0, longestShown - 1)}…`;
  // A value that contains itself, as YAML can have it, is no JSON.
  if (deeperThan(value, deepestShown)) return '…';
  const hide = (key: unknown, inner: unknown): unknown => (key === 'password' ? '(hidden)' : inner);
  const text = JSON.stringify(hide(path.at(-1), value), hide) ?? '';
  return text.length > longestShown ? `${text.slice(0, longestShown - 1)}…` : text;
}
