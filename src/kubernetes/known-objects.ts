// What a watcher has handed over: the version of each object, no more, so that reading all anew gives only differences.
import { type ApiObject, keyOf } from './api-object.ts';

/** What happened to one object. `key` is `namespace/name`, or the name where there are no namespaces. */
export type CollectionChange<T> =
  | { readonly kind: 'added' | 'changed'; readonly key: string; readonly object: T }
  | { readonly kind: 'removed'; readonly key: string };

export interface KnownObjects<T> {
  readonly size: number;
  /** Undefined where this version is known, or the object is of no interest and never was. */
  put(object: ApiObject): CollectionChange<T> | undefined;
  remove(object: ApiObject): CollectionChange<T> | undefined;
  /** All there is follows: what is not put until `endAll` is gone. */
  beginAll(): void;
  endAll(): CollectionChange<T>[];
}

/** `trim` makes of an object what is to be kept of it; undefined: nothing, as if it were not there. */
export function createKnownObjects<T>(trim: (object: ApiObject) => T | undefined): KnownObjects<T> {
  const versions = new Map<string, string>();
  let unseen: Set<string> | undefined;

  const forget = (key: string): CollectionChange<T> | undefined =>
    versions.delete(key) ? { kind: 'removed', key } : undefined;

  return {
    get size() {
      return versions.size;
    },
    put(object) {
      const key = keyOf(object);
      const { resourceVersion } = object.metadata;
      unseen?.delete(key);
      const before = versions.get(key);
      if (before === resourceVersion) return undefined;
      const trimmed = trim(object);
      if (trimmed === undefined) return forget(key);
      versions.set(key, resourceVersion);
      return { kind: before === undefined ? 'added' : 'changed', key, object: trimmed };
    },
    remove(object) {
      const key = keyOf(object);
      unseen?.delete(key);
      return forget(key);
    },
    beginAll() {
      unseen = new Set(versions.keys());
    },
    endAll() {
      const gone = [...(unseen ?? [])];
      unseen = undefined;
      return gone.map(forget).filter((change) => change !== undefined);
    },
  };
}
