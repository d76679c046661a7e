// From a zod schema to a structural schema, the part of OpenAPI v3 that a CustomResourceDefinition may use.
//
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
import * as z from 'zod/mini';
import { type PublishedRule, published } from '../published.ts';
import { isRecord } from '../record.ts';

export interface StructuralSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly PublishedRule[];
}

/** Throws where the schema has a part that no structural schema can say: that is for whoever wrote it to see. */
export function structuralSchema(schema: z.core.$ZodType): StructuralSchema {
  return structural(z.toJSONSchema(schema, { io: 'input', metadata: published, reused: 'inline' }));
}

type JsonSchema = z.core.JSONSchema.JSONSchema & Readonly<Record<string, unknown>>;

/** The keywords, in the order in which they are easiest to read. */
const plainKeywords = [
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
] as const;

const extensions = [
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** Keywords that say what the API server does anyway, or are of no use to it: it drops unknown fields by itself. */
const passedOver = [
  '$schema',
  'type',
  'description',
  'default',
  'format',
  'properties',
  'required',
  'items',
  'additionalProperties',
  'propertyNames',
  'x-kubernetes-list-type',
];

function structural(json: JsonSchema): StructuralSchema {
  const known: readonly string[] = [...plainKeywords, ...extensions, ...passedOver];
  const odd = Object.keys(json).filter((keyword) => !known.includes(keyword));
  if (odd.length > 0) throw new Error(`a structural schema cannot say ${odd.join(', ')}`);
  return {
    ...typeOf(json),
    ...picked(json, ['description']),
    ...defaultOf(json),
    ...bounds(json),
    ...children(json),
    ...(json.type === 'array'
      ? { 'x-kubernetes-list-type': json['x-kubernetes-list-type'] ?? 'atomic' }
      : {}),
    ...picked(json, extensions),
  } as StructuralSchema; // Plain JSON, made of the keywords above only.
}

function typeOf({ type, format, maximum }: JsonSchema): Readonly<Record<string, unknown>> {
  if (type === 'integer') return { type, format: (maximum ?? Infinity) > 2 ** 31 - 1 ? 'int64' : 'int32' };
  return format === 'date-time' ? { type, format } : { type };
}

/** A list or object that is empty by default need not be there at all. */
function defaultOf(json: JsonSchema): Readonly<Record<string, unknown>> {
  const value: unknown = json.default;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? {} : { default: value };
}

/** Without the bounds that only say what a number in JavaScript can hold. */
function bounds(json: JsonSchema): Readonly<Record<string, unknown>> {
  const { minimum, maximum, ...others } = picked(json, plainKeywords);
  // The format says it all.
  if (json.format === 'date-time') return {};
  return {
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...others,
  };
}

function children(json: JsonSchema): Readonly<Record<string, unknown>> {
  const { required, properties, additionalProperties, items } = json;
  return {
    ...(required === undefined || required.length === 0 ? {} : { required }),
    ...(isRecord(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, inner]) => [name, structural(schemaOf(inner))]),
          ),
        }
      : {}),
    ...(isRecord(additionalProperties)
      ? { additionalProperties: structural(schemaOf(additionalProperties)) }
      : {}),
    ...(items === undefined ? {} : { items: structural(schemaOf(items)) }),
  };
}

function schemaOf(value: unknown): JsonSchema {
  if (!isRecord(value)) throw new Error('a structural schema has a schema for each of its parts');
  return value;
}

const picked = (json: JsonSchema, keywords: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    keywords.flatMap((keyword) => (json[keyword] === undefined ? [] : [[keyword, json[keyword]]])),
  );
