// What the fake API server does with a patch: RFC 7396, RFC 6902, and which manager has which field.
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../api-object.ts';
import type { JsonPatchOperation } from '../objects.ts';

/** RFC 7396. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = { ...(isRecord(target) ? target : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/** RFC 6902; undefined where an operation fails. */
export function jsonPatched(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const root: { value: unknown } = { value: structuredClone(target) };
  for (const operation of operations) if (!perform(root, operation)) return undefined;
  return root.value;
}

function perform(root: { value: unknown }, operation: JsonPatchOperation): boolean {
  const path = stepsOf(operation.path);
  switch (operation.op) {
    case 'test':
      return isDeepStrictEqual(valueAt(root, path), operation.value);
    case 'add':
      return set(root, path, operation.value, false);
    case 'replace':
      return valueAt(root, path) !== undefined && set(root, path, operation.value, true);
    case 'remove':
      return remove(root, path);
    case 'move':
    case 'copy': {
      const from = stepsOf(operation.from);
      const value = structuredClone(valueAt(root, from));
      if (value === undefined || (operation.op === 'move' && !remove(root, from))) return false;
      return set(root, path, value, false);
    }
    default:
      return operation satisfies never;
  }
}

/** RFC 6901, below the member `value`. */
const stepsOf = (pointer: string): string[] => [
  'value',
  ...pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
];

function valueAt(root: unknown, steps: readonly string[]): unknown {
  let value = root;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function set(root: unknown, steps: readonly string[], value: unknown, isReplaced: boolean): boolean {
  const parent = valueAt(root, steps.slice(0, -1));
  const last = steps.at(-1) ?? '';
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index > parent.length) return false;
    parent.splice(index, isReplaced ? 1 : 0, value);
    return true;
  }
  return typeof parent === 'object' && parent !== null && Reflect.set(parent, last, value);
}

function remove(root: unknown, steps: readonly string[]): boolean {
  const parent = valueAt(root, steps.slice(0, -1));
  const last = steps.at(-1) ?? '';
  if (Array.isArray(parent)) return parent.splice(Number(last), 1).length === 1;
  return (
    typeof parent === 'object' && parent !== null && last in parent && Reflect.deleteProperty(parent, last)
  );
}

/** Each manager's fields: JSON of the path. Lists are one field. */
export type FieldOwners = Map<string, Set<string>>;

/** A field that another manager has set otherwise. */
export interface FieldConflict {
  readonly manager: string;
  readonly path: readonly string[];
}

/** Server-side apply: what comes out, or who is in the way. */
export function applied(
  live: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
  owners: FieldOwners,
  manager: string,
  isForced: boolean,
): { readonly object: Readonly<Record<string, unknown>> } | { readonly conflicts: readonly FieldConflict[] } {
  const fields = new Map(fieldsOf(wanted).map(([path, value]) => [JSON.stringify(path), value]));
  const conflicts: FieldConflict[] = [];
  for (const [other, theirs] of owners) {
    if (other === manager) continue;
    for (const field of theirs) {
      const path = JSON.parse(field) as string[]; // written below
      if (!fields.has(field) || isDeepStrictEqual(valueAt(live, path), fields.get(field))) continue;
      if (isForced) theirs.delete(field);
      else conflicts.push({ manager: other, path });
    }
  }
  if (conflicts.length > 0) return { conflicts };
  const root = { value: structuredClone(live) };
  for (const field of owners.get(manager) ?? []) {
    const isOthers = [...owners].some(([other, theirs]) => other !== manager && theirs.has(field));
    if (!fields.has(field) && !isOthers) remove(root, ['value', ...(JSON.parse(field) as string[])]);
  }
  owners.set(manager, new Set(fields.keys()));
  const object = merged(root.value, wanted);
  return { object: isRecord(object) ? object : live };
}

/** Whoever changes a field by other means has it from then on. */
export function own(
  owners: FieldOwners,
  manager: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): void {
  const mine = owners.get(manager) ?? new Set<string>();
  for (const [path, value] of fieldsOf(after)) {
    if (isDeepStrictEqual(valueAt(before, path), value)) continue;
    for (const theirs of owners.values()) theirs.delete(JSON.stringify(path));
    mine.add(JSON.stringify(path));
  }
  owners.set(manager, mine);
}

/** What tells which object it is belongs to nobody. */
const unowned =
  /^(apiVersion|kind|metadata,(name|namespace|uid|resourceVersion|generation|creationTimestamp))$/;

function fieldsOf(value: unknown, path: readonly string[] = []): (readonly [readonly string[], unknown])[] {
  if (unowned.test(path.join())) return [];
  if (!isRecord(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, [...path, name]));
}
