// What the files of a folder amount to: one object a key, its status merged in, and every problem that stands.
import { isDeepStrictEqual } from 'node:util';
import type { CrossObjectProblem } from '../api/cross-object.ts';
import type { FieldPath } from '../api/field-problem.ts';
import { objectProblem, type Position } from '../api/manifest.ts';
import { changeOf, type Identity, idOf, objectOf } from '../api/parse-object.ts';
import type { Node } from '../model/node.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import type { Change } from '../model/world.ts';
import { type Claim, firstByName, KeyClaims } from './key-claims.ts';
import type { FileContent, FileEntry } from './manifest-file.ts';
import { isConfiguration, WantedConfiguration } from './wanted-configuration.ts';

/** The line of a field in a file; undefined where it cannot be told. */
export type Locate = (file: string, position: Position, path: FieldPath) => number | undefined;

/** Plain bookkeeping: no file system, no clock. */
export class FolderWorld {
  readonly #locate: Locate;
  readonly #files = new Map<string, FileContent>();
  /** Files that were removed a moment ago: their objects stay until someone else has them, or `forget`. */
  readonly #vanished = new Set<string>();
  readonly #claims = new KeyClaims();
  readonly #configuration = new WantedConfiguration();
  readonly #allocated = new Map<ServiceKey, Allocated>();
  /** In force, as it was last told. */
  readonly #told = new Map<string, Change>();
  readonly #otherProblems = new Map<string, readonly ObjectProblem[]>();
  readonly #dirty = new Set<string>();
  #configurationDirty = false;
  #problemsChanged = true;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  /** Pools that were in force before this process began. */
  establishPools(names: ReadonlySet<string>): void {
    this.#configuration.establishedPools = names;
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  entriesOf(file: string): readonly FileEntry[] {
    return this.#files.get(file)?.entries ?? [];
  }

  setFile(file: string, content: FileContent): void {
    this.#replace(file, content);
    this.#vanished.delete(file);
  }

  /** The file is gone, perhaps only for a moment. */
  vanish(file: string): void {
    if (!this.#files.has(file)) return;
    this.#vanished.add(file);
    this.#replace(file, { entries: this.entriesOf(file), problems: [] });
  }

  hasVanished(file: string): boolean {
    return this.#vanished.has(file);
  }

  /** The file is gone for good. */
  forget(file: string): void {
    this.#replace(file, undefined);
    this.#vanished.delete(file);
  }

  setAllocated(service: ServiceKey, allocated: Allocated | undefined): void {
    if (allocated === undefined) this.#allocated.delete(service);
    else this.#allocated.set(service, allocated);
    this.#dirty.add(idOf({ kind: 'Service', key: service }));
  }

  /** Problems that are not with the manifests' objects: all of one origin, in place of those told before. */
  setProblems(origin: string, problems: readonly ObjectProblem[]): void {
    if (isDeepStrictEqual(this.#otherProblems.get(origin) ?? [], problems)) return;
    if (problems.length === 0) this.#otherProblems.delete(origin);
    else this.#otherProblems.set(origin, problems);
    this.#problemsChanged = true;
  }

  /** False when a flush has nothing to tell. */
  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#configurationDirty;
  }

  /**
   * What changed since the last flush, one change a key at most. With a limit it may have to be called again; the
   * configuration kinds come last, when all that they depend on is known.
   */
  flush(limit = Number.POSITIVE_INFINITY): Change[] {
    const changes: Change[] = [];
    let count = 0;
    for (const id of this.#dirty) {
      if (++count > limit) return changes;
      this.#dirty.delete(id);
      const claim = this.#claims.get(id);
      if (claim === undefined) continue;
      const wasConflict = this.#claims.conflicts.has(id);
      const entry = this.#claims.resolve(id, this.#vanished);
      if (wasConflict || this.#claims.conflicts.has(id)) this.#problemsChanged = true;
      this.#settle(id, claim, entry, changes);
    }
    if (this.#configurationDirty) {
      const had = this.#configuration.problems.length;
      for (const change of this.#configuration.plan(this.#nodes())) this.#tell(idOf(change), change, changes);
      if (had + this.#configuration.problems.length > 0) this.#problemsChanged = true;
      this.#configurationDirty = false;
    }
    return changes;
  }

  /** All problems that stand, if they changed since the last call. */
  changedProblems(): ObjectProblem[] | undefined {
    if (!this.#problemsChanged) return undefined;
    this.#problemsChanged = false;
    const problems = [...this.#otherProblems.values()].flat();
    for (const { problems: found } of this.#files.values()) problems.push(...found);
    for (const id of this.#claims.conflicts) problems.push(...this.#conflictProblems(this.#claims.get(id)));
    for (const problem of this.#configuration.problems) problems.push(this.#crossProblem(problem));
    return problems.sort(byPlace);
  }

  #replace(file: string, content: FileContent | undefined): void {
    const before = this.#files.get(file);
    for (const { identity } of before?.entries ?? []) {
      this.#claims.remove(file, identity);
      this.#dirty.add(idOf(identity));
    }
    for (const entry of content?.entries ?? []) {
      this.#claims.add(file, entry);
      this.#dirty.add(idOf(entry.identity));
    }
    if (content === undefined) this.#files.delete(file);
    else this.#files.set(file, content);
    if ((before?.problems.length ?? 0) + (content?.problems.length ?? 0) > 0) this.#problemsChanged = true;
  }

  #settle(id: string, { identity, claimants }: Claim, entry: FileEntry | undefined, changes: Change[]): void {
    const change = entry?.change;
    // Invalid, and never valid in this file: what another file put in force stays.
    if (change === undefined && claimants.length > 0) return;
    if (isConfiguration(identity)) {
      this.#configurationDirty = true;
      if (change === undefined) this.#configuration.drop(id);
      else this.#configuration.want(id, change, entry?.creationTimestamp);
      return;
    }
    if (identity.kind === 'Node' && this.#configuration.dependsOnNodes) this.#configurationDirty = true;
    this.#tell(id, this.#withStatus(change) ?? changeOf(identity.kind, identity.key, undefined), changes);
  }

  #withStatus(change: Change | undefined): Change | undefined {
    const service = change === undefined ? undefined : objectOf('Service', change);
    if (service === undefined) return change;
    const allocated = this.#allocated.get(service.key) ?? nothingAllocated;
    return changeOf('Service', service.key, { ...service, allocated });
  }

  #tell(id: string, change: Change, changes: Change[]): void {
    if (change.object === undefined) {
      if (!this.#told.delete(id)) return;
    } else {
      if (isDeepStrictEqual(this.#told.get(id)?.object, change.object)) return;
      this.#told.set(id, change);
    }
    changes.push(change);
  }

  #nodes(): Map<string, Node> {
    const nodes = new Map<string, Node>();
    for (const change of this.#told.values()) {
      const node = objectOf('Node', change);
      if (node !== undefined) nodes.set(node.name, node);
    }
    return nodes;
  }

  #conflictProblems(claim: Claim | undefined): ObjectProblem[] {
    const present = claim?.claimants.filter(({ file }) => !this.#vanished.has(file)) ?? [];
    const first = claim?.owner ?? firstByName(present)?.file;
    const rule = `The same object is in ${first}, which came first and stays in force: remove it from one of the two files.`;
    return present
      .filter(({ file }) => file !== first)
      .map(({ file, entry }) => {
        const line = this.#locate(file, entry.position, ['metadata', 'name']);
        const problem = { path: [], value: undefined, rule, severity: 'error' as const };
        return objectProblem(file, line, nameOf(entry.identity), problem);
      });
  }

  #crossProblem({ kind, key, problem }: CrossObjectProblem): ObjectProblem {
    const claim = this.#claims.get(idOf({ kind, key }));
    const owner = claim?.claimants.find(({ file }) => file === claim.owner);
    const line = owner && this.#locate(owner.file, owner.entry.position, problem.path);
    const stays = problem.severity === 'error' && this.#configuration.has(kind, key);
    const rule = stays ? `${problem.rule} The last accepted version stays in force.` : problem.rule;
    return objectProblem(owner?.file ?? '', line, nameOf({ kind, key }), { ...problem, rule });
  }
}

const nothingAllocated: Allocated = { addresses: [], pool: undefined };

function nameOf({ kind, key }: Identity): { kind: string; namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { kind, namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}

function byPlace(a: ObjectProblem, b: ObjectProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}
