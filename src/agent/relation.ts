// A many-to-many relation that is found from both sides: Services and the nodes of their endpoints, or their addresses.

export interface Relation {
  /** What the key relates to now; nothing: the key is forgotten. */
  set(key: string, values: ReadonlySet<string>): void;
  valuesOf(key: string): ReadonlySet<string>;
  keysOf(value: string): ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

export function createRelation(): Relation {
  const values = new Map<string, ReadonlySet<string>>();
  const keys = new Map<string, Set<string>>();
  return {
    set(key, after) {
      const before = values.get(key) ?? none;
      for (const value of before) if (!after.has(value)) remove(keys, value, key);
      for (const value of after) if (!before.has(value)) add(keys, value, key);
      if (after.size > 0) values.set(key, after);
      else values.delete(key);
    },
    valuesOf: (key) => values.get(key) ?? none,
    keysOf: (value) => keys.get(value) ?? none,
  };
}

function add(index: Map<string, Set<string>>, from: string, to: string): void {
  const found = index.get(from);
  if (found === undefined) index.set(from, new Set([to]));
  else found.add(to);
}

function remove(index: Map<string, Set<string>>, from: string, to: string): void {
  const found = index.get(from);
  found?.delete(to);
  if (found?.size === 0) index.delete(from);
}
