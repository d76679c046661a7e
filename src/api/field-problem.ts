// What a parser finds wrong with one field of one object, before anyone knows which file and line it stands in.

/** Keys and list indices from the object's root, such as `['spec', 'addresses', 1]`; empty: the whole object. */
export type FieldPath = readonly (string | number)[];

export interface FieldProblem {
  readonly path: FieldPath;
  /** The offending value as it was read; undefined where there is none to show. */
  readonly value: unknown;
  /** What must hold and what to do, as a sentence. */
  readonly rule: string;
  /** An error sets the object aside; a warning leaves it in force. */
  readonly severity: 'error' | 'warning';
}

/** An object, unless an error set it aside, and everything that was found on the way. */
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

/** A value as JSON for a person, cut to 80 characters; empty for undefined. */
export function formatValue(value: unknown): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}` : inner,
  );
  if (text === undefined) return String(value).slice(0, 80);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
