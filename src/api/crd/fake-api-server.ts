// For tests: what an API server makes of an object by its CustomResourceDefinition, before any webhook is asked.
//
// It drops unknown fields and nulls, fills in defaults, and then keeps to the schema (by ajv), to the kinds of list and
// to the rules in CEL (by cel-js), as apiextensions-apiserver does.
import { isIP } from 'node:net';
import { Environment } from '@marcbachmann/cel-js';
import { Ajv, type ErrorObject } from 'ajv';
import { isRecord, type RawObject, valueAt } from '../record.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { servedKinds } from './served-kinds.ts';
import type { StructuralSchema } from './structural-schema.ts';

export interface ServerRefusal {
  /** Such as `spec.addresses[1]`. */
  readonly field: string;
  readonly message: string;
}

/** By `version kind`. */
const schemas = new Map<string, StructuralSchema>(
  servedKinds.flatMap((served) => {
    const { spec } = customResourceDefinition(served);
    return spec.versions.map(
      ({ name, schema }) => [`${served.group}/${name} ${served.kind}`, schema.openAPIV3Schema] as const,
    );
  }),
);

const ajv = new Ajv({
  allErrors: true,
  strict: false,
  formats: { int32: true, int64: true, 'date-time': true },
});

const cel = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true });
cel.registerFunction(
  'isIP(string): bool',
  (text: string) => isIP(text) !== 0 && !text.includes('%') && !isDressed(text),
);

/** IPv4 dressed as IPv6, in any spelling: a URL has only one. */
const isDressed = (text: string): boolean =>
  isIP(text) === 6 && /^\[::ffff:[0-9a-f]+:[0-9a-f]+\]$/.test(new URL(`http://[${text}]/`).hostname);

/** Why the object is refused; empty if it is accepted. `before` is what it replaces. */
export function serverRefusals(raw: RawObject, before?: RawObject): ServerRefusal[] {
  const schema = schemas.get(`${String(raw['apiVersion'])} ${String(raw['kind'])}`);
  if (schema === undefined) throw new Error('no such kind is served');
  const object = defaulted(schema, raw);
  const validate = ajv.compile(schema);
  const errors = validate(object) ? [] : (validate.errors ?? []);
  const refusals = [...errors.map((error) => asRefusal(object, error)), ...listRefusals(schema, object, '')];
  // Rules are for objects of the right shape: those of another are refused already.
  if (errors.some(({ keyword }) => ['type', 'required', 'enum'].includes(keyword))) return refusals;
  const old = before === undefined ? undefined : defaulted(schema, before);
  return [...refusals, ...ruleRefusals(schema, object, old, '')];
}

/** As stored: known fields only, without nulls, with defaults. */
export function defaulted(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items } = schema;
    return value.map((item) => defaulted(items, item));
  }
  if (!isRecord(value) || schema.type !== 'object') return value;
  const { properties, additionalProperties } = schema;
  if (additionalProperties !== undefined) {
    const kept = Object.entries(value).filter(([, inner]) => inner !== null);
    return Object.fromEntries(kept.map(([key, inner]) => [key, defaulted(additionalProperties, inner)]));
  }
  if (properties === undefined) return value;
  const filled: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(properties)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given !== undefined && given !== null) filled.push([name, defaulted(inner, given)]);
    else if (inner.default !== undefined) filled.push([name, inner.default]);
  }
  return Object.fromEntries(filled);
}

function asRefusal(object: unknown, { instancePath, keyword, params, message }: ErrorObject): ServerRefusal {
  const steps = instancePath.split('/').slice(1);
  if (keyword === 'required') steps.push(String(params['missingProperty']));
  let field = '';
  for (const [index, step] of steps.entries()) {
    const inList = Array.isArray(valueAt(object, steps.slice(0, index)));
    field += inList ? `[${step}]` : field === '' ? step : `.${step}`;
  }
  return { field, message: message ?? '' };
}

function listRefusals(schema: StructuralSchema, value: unknown, field: string): ServerRefusal[] {
  if (Array.isArray(value)) {
    const keys = schema['x-kubernetes-list-map-keys'];
    const isDistinct = schema['x-kubernetes-list-type'] !== 'atomic';
    const seen = new Set<string>();
    return value.flatMap((item, index) => {
      const key = JSON.stringify(keys === undefined ? item : keys.map((name) => valueAt(item, [name])));
      const repeated = isDistinct && seen.has(key);
      seen.add(key);
      const own = repeated ? [{ field: `${field}[${index}]`, message: 'Duplicate value' }] : [];
      return [...own, ...listRefusals(schema.items ?? {}, item, `${field}[${index}]`)];
    });
  }
  return partsOf(schema, value, field).flatMap(([inner, part, path]) => listRefusals(inner, part, path));
}

function ruleRefusals(
  schema: StructuralSchema,
  value: unknown,
  old: unknown,
  field: string,
): ServerRefusal[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule, message, fieldPath }) => {
    if (rule.includes('oldSelf') && old === undefined) return [];
    return ruleHolds(rule, value, old) ? [] : [{ field: `${field}${fieldPath ?? ''}`, message }];
  });
  if (Array.isArray(value)) {
    const inner = value.flatMap((item, index) =>
      ruleRefusals(schema.items ?? {}, item, undefined, `${field}[${index}]`),
    );
    return [...own, ...inner];
  }
  const parts = partsOf(schema, value, field).flatMap(([inner, part, path, name]) =>
    ruleRefusals(inner, part, valueAt(old, [name]), path),
  );
  return [...own, ...parts];
}

/** A rule that cannot be evaluated, such as one of a text that is no duration, is broken. */
function ruleHolds(rule: string, self: unknown, oldSelf: unknown): boolean {
  try {
    return cel.evaluate(rule, { self: inCel(self), oldSelf: inCel(oldSelf) }) === true;
  } catch (error) {
    // A mistake in the rule itself is not the object's.
    if (
      error instanceof Error &&
      /undeclared|unknown (?:variable|function)|no matching overload/i.test(error.message)
    )
      throw error;
    return false;
  }
}

/** Whole numbers are integers. */
function inCel(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(inCel);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inCel(inner)]));
}

type Part = readonly [schema: StructuralSchema, value: unknown, field: string, name: string];

function partsOf({ properties }: StructuralSchema, value: unknown, field: string): Part[] {
  if (!isRecord(value)) return [];
  return Object.entries(properties ?? {}).flatMap(([name, inner]): Part[] =>
    Object.hasOwn(value, name) ? [[inner, value[name], field === '' ? name : `${field}.${name}`, name]] : [],
  );
}
