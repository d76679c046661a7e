// The fake API server's etcd: every version of every object until it is compacted, and who waits for changes.

/** An object as JSON, with name and version in its metadata. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMetadata;
  readonly [field: string]: unknown;
}

export interface StoredMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly [field: string]: unknown;
}

/** One change; an object that is gone has the version of its going, as in the watch event. */
export interface StoredChange {
  readonly revision: number;
  /** Which kind, such as `v1/services`. */
  readonly collection: string;
  readonly key: string;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

export interface FakeStore {
  readonly revision: number;
  /** Versions before this are forgotten. */
  readonly compacted: number;
  get(collection: string, key: string): StoredObject | undefined;
  /** In the order of their keys, as they were at a revision. */
  list(collection: string, atRevision?: number): readonly (readonly [key: string, object: StoredObject])[];
  /** Stores an object with the next version, or removes it. */
  write(collection: string, key: string, make: ((version: string) => StoredObject) | undefined): StoredObject;
  /** What has happened to a kind after a revision. */
  changesSince(collection: string, revision: number): readonly StoredChange[];
  /** Calls back with every change from now on; returns how to end that. */
  subscribe(listener: (change: StoredChange) => void): () => void;
  /** Forgets what was before the revision, as etcd does every few minutes. */
  compact(revision: number): void;
}

export function createFakeStore(firstRevision = 100): FakeStore {
  let revision = firstRevision;
  let compacted = 0;
  let changes: StoredChange[] = [];
  const objects = new Map<string, Map<string, StoredObject>>();
  const listeners = new Set<(change: StoredChange) => void>();

  const of = (collection: string): Map<string, StoredObject> => {
    const found = objects.get(collection) ?? new Map<string, StoredObject>();
    objects.set(collection, found);
    return found;
  };

  return {
    get revision() {
      return revision;
    },
    get compacted() {
      return compacted;
    },
    get: (collection, key) => of(collection).get(key),
    list(collection, atRevision = revision) {
      const then = new Map(of(collection));
      for (const change of changes.toReversed()) {
        if (change.revision <= atRevision) break;
        if (change.collection !== collection) continue;
        if (change.before === undefined) then.delete(change.key);
        else then.set(change.key, change.before);
      }
      return [...then].sort(([one], [other]) => (one < other ? -1 : 1));
    },
    write(collection, key, make) {
      const held = of(collection);
      const before = held.get(key);
      revision++;
      const after = make?.(String(revision));
      if (after === undefined) held.delete(key);
      else held.set(key, after);
      const change = { revision, collection, key, before, after };
      changes.push(change);
      for (const listener of [...listeners]) listener(change);
      const told = after ?? lastForm(change);
      if (told === undefined) throw new Error(`${key} is not there`);
      return told;
    },
    changesSince: (collection, since) =>
      changes.filter((change) => change.revision > since && change.collection === collection),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    compact(to) {
      compacted = Math.max(compacted, Math.min(to, revision));
      changes = changes.filter((change) => change.revision > compacted);
    },
  };
}

/** What a watch tells of an object that is gone: as it was, with the version of its going. */
export function lastForm({ before, revision }: StoredChange): StoredObject | undefined {
  return before && { ...before, metadata: { ...before.metadata, resourceVersion: String(revision) } };
}
