// What the API server is told of a schema beside what the parser checks: descriptions, rules in CEL, kinds of list.
//
// It stands with the schema, in a registry of zod, so that one place says what a field is. `crd/` makes
// CustomResourceDefinitions from both.
import * as z from 'zod/mini';

/** A rule as a CustomResourceDefinition has it (`x-kubernetes-validations`). */
export interface PublishedRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

export interface Published {
  readonly description?: string;
  /** In place of the parser's own expression, where RE2 cannot read that. */
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly PublishedRule[];
}

export const published = z.registry<Published>();

/** The schema with a description for `kubectl explain`; the given one stays as it is, so that it can be shared. */
export function described<S extends z.core.$ZodType>(
  schema: S,
  description: string,
  more: Published = {},
): S {
  const copy = z.clone(schema, undefined, { parent: true });
  published.add(copy, { ...more, description });
  return copy;
}

/** One rule, told twice: to the API server in CEL, and to the parser. */
export interface FieldRule<T> {
  /** The field to correct, where the rule is about an object with several. */
  readonly field?: Extract<keyof T, string>;
  /** What must hold and what to do, as a sentence. */
  readonly message: string;
  /** True where the rule holds; `self` is the value with its defaults. */
  readonly cel: string;
  readonly holds: (value: T) => boolean;
}

/** The schema with rules that both the parser and the API server keep. */
export function ruled<S extends z.ZodMiniType>(schema: S, rules: readonly FieldRule<z.output<S>>[]): S {
  const checks = rules.map(({ field, message, holds }) =>
    z.refine<z.output<S>>(holds, { path: field === undefined ? [] : [field], error: message }),
  );
  const checked = schema.check(...checks);
  published.add(checked, {
    ...published.get(schema),
    'x-kubernetes-validations': rules.map(({ field, message, cel }) => ({
      rule: cel,
      message,
      ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    })),
  });
  return checked;
}

/** A rule of changes, which only the API server can keep by itself: the value stays what it was. */
export const immutable = (message: string): Published => ({
  'x-kubernetes-validations': [{ rule: 'self == oldSelf', message }],
});
