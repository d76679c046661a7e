// JSON objects of unknown content, as they come from a file or the API.

export type RawObject = Readonly<Record<string, unknown>>;

/** True for a JSON object, not for a list or null. */
export const isRecord = (value: unknown): value is RawObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path, own keys only; undefined where there is none. */
export function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

/** True if objects and lists are nested deeper than `limit`; never recurses deeper than that itself. */
export function deeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (limit === 0) return true;
  return Object.values(value).some((inner) => deeperThan(inner, limit - 1));
}

/** Drops members that are null: to the API a null field is an absent one. Shares what has none. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isRecord(value)) return value;
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const clean = withoutNulls(inner);
    if (clean !== inner || inner === null) changed = true;
    if (inner !== null) kept.push([key, clean]);
  }
  return changed ? Object.fromEntries(kept) : value;
}
