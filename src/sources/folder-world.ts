// What the files of a folder amount to: one object a key, its status merged in, and every problem that stands.
import { isDeepStrictEqual } from 'node:util';
import {
  type Configuration,
  type ConfigurationKind,
  type CrossObjectProblem,
  configurationKinds,
  noConfiguration,
  planConfiguration,
} from '../api/cross-object.ts';
import type { FieldPath } from '../api/field-problem.ts';
import { objectProblem, type Position } from '../api/manifest.ts';
import { changeOf, type Identity, idOf, objectOf } from '../api/parse-object.ts';
import type { Node } from '../model/node.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import type { Change, ObjectOfKind } from '../model/world.ts';
import type { FileContent, FileEntry } from './manifest-file.ts';

/** The line of a field in a file; undefined where it cannot be told. */
export type Locate = (file: string, position: Position, path: FieldPath) => number | undefined;

interface Claimant {
  readonly file: string;
  readonly entry: FileEntry;
}

/** All files that have one key. */
interface Claim {
  readonly identity: Identity;
  readonly claimants: Claimant[];
  /** The file whose object is in force. */
  owner: string | undefined;
}

/** Plain bookkeeping: no file system, no clock. */
export class FolderWorld {
  readonly #locate: Locate;
  readonly #files = new Map<string, FileContent>();
  /** Files that were removed a moment ago: their objects stay until someone else has them, or `forget`. */
  readonly #vanished = new Set<string>();
  readonly #claims = new Map<string, Claim>();
  readonly #conflicts = new Set<string>();
  readonly #allocated = new Map<ServiceKey, Allocated>();
  readonly #emitted = new Map<string, Change>();
  /** Configuration objects that are valid by themselves. */
  readonly #candidates = new Map<
    string,
    { readonly change: Change; readonly creationTimestamp: string | undefined }
  >();
  #configuration: Configuration = noConfiguration;
  #establishedPools: ReadonlySet<string> = new Set();
  #crossProblems: readonly CrossObjectProblem[] = [];
  readonly #otherProblems = new Map<string, readonly ObjectProblem[]>();
  readonly #dirty = new Set<string>();
  #configurationDirty = false;
  #problemsChanged = true;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  /** Pools that were in force before this process began. */
  establishPools(names: ReadonlySet<string>): void {
    this.#establishedPools = names;
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
    const before = this.#otherProblems.get(origin) ?? [];
    if (isDeepStrictEqual(before, problems)) return;
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
      const entry = this.#resolve(id, claim);
      if (isConfigurationKind(claim.identity.kind)) {
        this.#configurationDirty = true;
        this.#setCandidate(id, claim, entry);
        continue;
      }
      const { kind, key } = claim.identity;
      if (kind === 'Node' && this.#configuration.BGPAdvertisement.size > 0) this.#configurationDirty = true;
      // Invalid, and never valid in this file: what another file put in force stays.
      if (entry === undefined && claim.claimants.length > 0) continue;
      this.#emit(id, this.#withStatus(entry?.change) ?? changeOf(kind, key, undefined), changes);
    }
    if (this.#configurationDirty) this.#planConfiguration(changes);
    this.#configurationDirty = false;
    return changes;
  }

  /** All problems that stand, if they changed since the last call. */
  changedProblems(): ObjectProblem[] | undefined {
    if (!this.#problemsChanged) return undefined;
    this.#problemsChanged = false;
    const problems = [...this.#otherProblems.values()].flat();
    for (const { problems: found } of this.#files.values()) problems.push(...found);
    for (const id of this.#conflicts) problems.push(...this.#conflictProblems(id));
    for (const problem of this.#crossProblems) problems.push(this.#crossProblem(problem));
    return problems.sort(byPlace);
  }

  /** Everything in force, as changes to an empty World. */
  inForce(): Change[] {
    return [...this.#emitted.values()];
  }

  #replace(file: string, content: FileContent | undefined): void {
    const before = this.#files.get(file);
    for (const { identity } of before?.entries ?? []) {
      const claim = this.#claims.get(idOf(identity));
      const index = claim?.claimants.findIndex((claimant) => claimant.file === file) ?? -1;
      if (index >= 0) claim?.claimants.splice(index, 1);
      this.#dirty.add(idOf(identity));
    }
    for (const entry of content?.entries ?? []) {
      const id = idOf(entry.identity);
      const claim = this.#claims.get(id);
      if (claim === undefined) {
        this.#claims.set(id, { identity: entry.identity, claimants: [{ file, entry }], owner: undefined });
      } else claim.claimants.push({ file, entry });
      this.#dirty.add(id);
    }
    if (content === undefined) this.#files.delete(file);
    else this.#files.set(file, content);
    if ((before?.problems.length ?? 0) + (content?.problems.length ?? 0) > 0) this.#problemsChanged = true;
  }

  /**
   * The entry in force for a key: that of the file which had it so far, else of the first by name; files that vanished
   * come last.
   */
  #resolve(id: string, claim: Claim): FileEntry | undefined {
    const { claimants } = claim;
    if (claimants.length === 0) this.#claims.delete(id);
    const present = claimants.filter(({ file }) => !this.#vanished.has(file));
    if (present.length > 1 || this.#conflicts.has(id)) this.#problemsChanged = true;
    if (present.length > 1) this.#conflicts.add(id);
    else this.#conflicts.delete(id);

    const usable = claimants.filter(({ entry }) => entry.change !== undefined);
    const usablePresent = usable.filter((claimant) => present.includes(claimant));
    const choice = usablePresent.length > 0 ? usablePresent : usable;
    const chosen =
      choice.find(({ file }) => file === claim.owner) ??
      choice.reduce<Claimant | undefined>((a, b) => (a !== undefined && a.file < b.file ? a : b), undefined);
    claim.owner = chosen?.file;
    return chosen?.entry;
  }

  #withStatus(change: Change | undefined): Change | undefined {
    const service = change === undefined ? undefined : objectOf('Service', change);
    if (service === undefined) return change;
    const allocated = this.#allocated.get(service.key) ?? nothingAllocated;
    return changeOf('Service', service.key, { ...service, allocated });
  }

  #emit(id: string, change: Change, changes: Change[]): void {
    const before = this.#emitted.get(id);
    if (change.object === undefined) {
      if (!this.#emitted.delete(id)) return;
    } else {
      if (before !== undefined && isDeepStrictEqual(before.object, change.object)) return;
      this.#emitted.set(id, change);
    }
    changes.push(change);
  }

  #setCandidate(id: string, claim: Claim, entry: FileEntry | undefined): void {
    if (entry?.change === undefined) {
      if (claim.claimants.length === 0) this.#candidates.delete(id);
      return;
    }
    this.#candidates.set(id, { change: entry.change, creationTimestamp: entry.creationTimestamp });
  }

  #planConfiguration(changes: Change[]): void {
    const plan = planConfiguration({
      candidates: {
        IPAddressPool: this.#candidatesOf('IPAddressPool'),
        L2Advertisement: this.#candidatesOf('L2Advertisement'),
        Community: this.#candidatesOf('Community'),
        BFDProfile: this.#candidatesOf('BFDProfile'),
        BGPPeer: this.#candidatesOf('BGPPeer'),
        BGPAdvertisement: this.#candidatesOf('BGPAdvertisement'),
      },
      inForce: this.#configuration,
      establishedPools: this.#establishedPools,
      nodes: this.#nodes(),
    });
    for (const kind of configurationKinds) this.#emitKind(kind, plan.inForce, changes);
    if (this.#crossProblems.length + plan.problems.length > 0) this.#problemsChanged = true;
    this.#configuration = plan.inForce;
    this.#crossProblems = plan.problems;
  }

  #emitKind<K extends ConfigurationKind>(kind: K, next: Configuration, changes: Change[]): void {
    const objects: ReadonlyMap<string, ObjectOfKind[K]> = next[kind];
    for (const key of this.#configuration[kind].keys()) {
      if (!objects.has(key)) this.#emit(idOf({ kind, key }), changeOf(kind, key, undefined), changes);
    }
    for (const [key, object] of objects)
      this.#emit(idOf({ kind, key }), changeOf(kind, key, object), changes);
  }

  #candidatesOf<K extends ConfigurationKind>(kind: K) {
    const candidates = new Map<string, { object: ObjectOfKind[K]; creationTimestamp: string | undefined }>();
    for (const { change, creationTimestamp } of this.#candidates.values()) {
      const object = objectOf(kind, change);
      if (object !== undefined) candidates.set(change.key, { object, creationTimestamp });
    }
    return candidates;
  }

  #nodes(): Map<string, Node> {
    const nodes = new Map<string, Node>();
    if (![...this.#candidates.values()].some(({ change }) => change.kind === 'BGPAdvertisement'))
      return nodes;
    for (const change of this.#emitted.values()) {
      const node = objectOf('Node', change);
      if (node !== undefined) nodes.set(node.name, node);
    }
    return nodes;
  }

  #conflictProblems(id: string): ObjectProblem[] {
    const claim = this.#claims.get(id);
    const present = claim?.claimants.filter(({ file }) => !this.#vanished.has(file)) ?? [];
    const first = claim?.owner ?? present.map(({ file }) => file).sort()[0];
    return present
      .filter(({ file }) => file !== first)
      .map(({ file, entry }) => {
        const rule = `The same object is in ${first}, which came first and stays in force: remove it from one of the two files.`;
        const line = this.#locate(file, entry.position, ['metadata', 'name']);
        return objectProblem(file, line, nameOf(entry.identity), {
          path: [],
          value: undefined,
          rule,
          severity: 'error',
        });
      });
  }

  #crossProblem({ kind, key, problem }: CrossObjectProblem): ObjectProblem {
    const claim = this.#claims.get(idOf({ kind, key }));
    const owner = claim?.claimants.find(({ file }) => file === claim.owner);
    const line =
      owner === undefined ? undefined : this.#locate(owner.file, owner.entry.position, problem.path);
    const stays = problem.severity === 'error' && this.#configuration[kind].has(key);
    const rule = stays ? `${problem.rule} The last accepted version stays in force.` : problem.rule;
    return objectProblem(owner?.file ?? '', line, nameOf({ kind, key }), { ...problem, rule });
  }
}

const nothingAllocated: Allocated = { addresses: [], pool: undefined };

const isConfigurationKind = (kind: string): kind is ConfigurationKind =>
  (configurationKinds as readonly string[]).includes(kind);

function nameOf({ kind, key }: Identity): { kind: string; namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { kind, namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}

function byPlace(a: ObjectProblem, b: ObjectProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}
