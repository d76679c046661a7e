// Reads a raw object by its zod schema: every broken rule becomes a sentence, an unknown field becomes a warning.
import type * as z from 'zod/mini';
import { type FieldPath, type FieldProblem, fieldError, fieldWarning } from './field-problem.ts';
import { nearest } from './nearest.ts';
import { isRecord, type RawObject, valueAt, withoutNulls } from './record.ts';

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

export interface Read<T> {
  /** Undefined when there is an error. */
  readonly manifest: T | undefined;
  readonly problems: readonly FieldProblem[];
}

/** Reads `raw`, with the schema's defaults filled in. Never throws. */
export function readBySchema<S extends Schema>(
  schema: S & { safeParse(data: unknown): z.core.util.SafeParseResult<z.output<S>> },
  raw: RawObject,
): Read<z.output<S>> {
  const input = withoutNulls(raw);
  const first = schema.safeParse(input);
  if (first.success) return { manifest: first.data, problems: [] };
  const unknown = first.error.issues.filter((issue) => issue.code === 'unrecognized_keys');
  const warnings = unknown.flatMap((issue) => unknownFields(schema, input, issue));
  const result = unknown.length === 0 ? first : schema.safeParse(withoutKeys(input, unknown));
  if (result.success) return { manifest: result.data, problems: warnings };
  const errors = result.error.issues.flatMap((issue) => problemsOf(input, issue));
  return { manifest: undefined, problems: [...errors, ...warnings] };
}

/** Paths of JSON hold no symbols. */
const pathOf = (path: readonly PropertyKey[]): FieldPath =>
  path.map((step) => (typeof step === 'symbol' ? String(step) : step));

/** A copy without the keys that the issues call unrecognized. */
function withoutKeys(input: unknown, issues: readonly z.core.$ZodIssueUnrecognizedKeys[]): unknown {
  const copy: unknown = structuredClone(input);
  for (const issue of issues) {
    const parent = valueAt(copy, pathOf(issue.path));
    if (!isRecord(parent)) continue;
    for (const key of issue.keys) Reflect.deleteProperty(parent, key);
  }
  return copy;
}

function unknownFields(
  schema: Schema,
  input: unknown,
  issue: z.core.$ZodIssueUnrecognizedKeys,
): FieldProblem[] {
  const parent = pathOf(issue.path);
  const known = fieldsAt(schema, parent);
  return issue.keys.map((key) => {
    const path = [...parent, key];
    const meant = nearest(key, known);
    const advice = meant === undefined ? 'Remove it.' : `Did you mean ${meant}?`;
    return fieldWarning(path, valueAt(input, path), `There is no such field, so it has no effect. ${advice}`);
  });
}

/** The field names that the schema knows at a path. */
function fieldsAt(schema: Schema, path: FieldPath): string[] {
  // The union of all of zod's own schemas: the base type does not tell its kinds apart.
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return fieldsAt(def.innerType, path);
    case 'array':
      return fieldsAt(def.element, path.slice(1));
    case 'record':
      return fieldsAt(def.valueType, path.slice(1));
    case 'object': {
      const [step, ...rest] = path;
      if (step === undefined) return Object.keys(def.shape);
      const inner = def.shape[step];
      return inner === undefined ? [] : fieldsAt(inner, rest);
    }
    default:
      return [];
  }
}

function problemsOf(input: unknown, issue: Issue): FieldProblem[] {
  const path = pathOf(issue.path);
  if (issue.code === 'invalid_key') {
    return issue.issues.map((inner) => fieldError(path, path.at(-1), ruleOf(inner, path.at(-1))));
  }
  const value = valueAt(input, path);
  return [fieldError(path, value, ruleOf(issue, value))];
}

/** zod's message where no locale is loaded: the schema gave none of its own. */
const noMessage = 'Invalid input';

function ruleOf(issue: Issue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'This field is required: add it.';
  if (issue.message !== noMessage) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return typeRule(issue.expected, value);
    case 'invalid_value':
      return choiceRule(issue.values.map(String), value);
    case 'too_small':
      return boundRule(issue.origin, 'least', Number(issue.minimum));
    case 'too_big':
      return boundRule(issue.origin, 'most', Number(issue.maximum));
    default:
      return 'This value is not allowed here: correct it.';
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with fields',
  record: 'an object with fields',
};

function typeRule(expected: string, value: unknown): string {
  const actual = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  const wanted = typeNames[expected] ?? expected;
  const quote = expected === 'string' && (actual === 'number' || actual === 'boolean');
  const got = expected === 'int' && actual === 'number' ? 'a fraction' : (typeNames[actual] ?? actual);
  return `This must be ${wanted}, not ${got}${quote ? ': put it in quotes' : ''}.`;
}

function choiceRule(choices: readonly string[], value: unknown): string {
  const meant = typeof value === 'string' ? nearest(value, choices) : undefined;
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return `This must be ${choices.length === 1 ? '' : 'one of '}${choices.join(', ')}.${hint}`;
}

function boundRule(origin: string, bound: 'least' | 'most', limit: number): string {
  if (origin === 'array')
    return `This list must have at ${bound} ${limit} ${limit === 1 ? 'entry' : 'entries'}.`;
  if (origin === 'string')
    return `This must have at ${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}.`;
  return `This must be at ${bound} ${limit}.`;
}
