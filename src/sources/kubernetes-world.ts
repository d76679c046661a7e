// What a cluster's objects amount to: one object a key, the last good version of each, and every problem that stands.
import type { CrossObjectProblem } from '../api/cross-object.ts';
import type { FieldProblem } from '../api/field-problem.ts';
import { objectProblem } from '../api/manifest.ts';
import { changeOf, type Identity, idOf, objectOf, parseObject } from '../api/parse-object.ts';
import type { RawObject } from '../api/record.ts';
import { allocatedOf } from '../api/status.ts';
import type { Node } from '../model/node.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { Change } from '../model/world.ts';
import { ConfigurationInForce, isConfiguration } from './configuration-in-force.ts';

/** All that is kept of an object that was read. */
export interface ReadObject {
  readonly identity: Identity;
  /** Undefined where it is not accepted. */
  readonly change: Change | undefined;
  readonly creationTimestamp: string | undefined;
  readonly problems: readonly FieldProblem[];
}

/** Reads an object as the API sends it; undefined for what Gantry does not read. Never throws. */
export function readApiObject(raw: RawObject): ReadObject | undefined {
  const { identity, change, creationTimestamp, problems } = parseObject(raw);
  if (identity === undefined) return undefined;
  const service = change === undefined ? undefined : objectOf('Service', change);
  if (service === undefined) return { identity, change, creationTimestamp, problems };
  const { object: allocated = { addresses: [], pool: undefined } } = allocatedOf(raw);
  const withStatus = changeOf('Service', service.key, { ...service, allocated });
  return { identity, change: withStatus, creationTimestamp, problems };
}

/** Plain bookkeeping: no API, no clock. */
export class KubernetesWorld {
  /** Where Gantry's own kinds are. */
  readonly #namespace: string;
  readonly #configuration = new ConfigurationInForce();
  readonly #nodes = new Map<string, Node>();
  readonly #problems = new Map<string, readonly ObjectProblem[]>();
  readonly #changes = new Map<string, Change>();
  #isConfigurationDirty = true;
  #haveProblemsChanged = true;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** What is not accepted stands aside, and its last good version stays. */
  put({ identity, change, creationTimestamp, problems }: ReadObject): void {
    const id = idOf(identity);
    this.#setProblems(
      id,
      problems.map((problem) => objectProblem('', undefined, this.#nameOf(identity), problem)),
    );
    if (change === undefined) return;
    if (isConfiguration(identity)) {
      this.#configuration.want(id, change, creationTimestamp);
      this.#isConfigurationDirty = true;
      return;
    }
    this.#note(id, change);
  }

  remove(identity: Identity): void {
    const id = idOf(identity);
    this.#setProblems(id, []);
    if (isConfiguration(identity)) {
      this.#configuration.drop(id);
      this.#isConfigurationDirty = true;
      return;
    }
    this.#note(id, changeOf(identity.kind, identity.key, undefined));
  }

  /**
   * What changed since the last time, one change a key at most. `isWhole`: all that there is has been read; before that
   * no configuration comes into force, since its parts are judged together.
   */
  takeChanges(isWhole: boolean): Change[] {
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    if (!isWhole || !this.#isConfigurationDirty) return changes;
    const had = this.#configuration.problems.length;
    changes.push(...this.#configuration.plan(this.#nodes));
    if (had + this.#configuration.problems.length > 0) this.#haveProblemsChanged = true;
    this.#isConfigurationDirty = false;
    return changes;
  }

  /** All problems that stand, if they changed since the last time. */
  takeProblems(): ObjectProblem[] | undefined {
    if (!this.#haveProblemsChanged) return undefined;
    this.#haveProblemsChanged = false;
    return [
      ...[...this.#problems.values()].flat(),
      ...this.#configuration.problems.map((problem) => this.#crossProblem(problem)),
    ].sort(byName);
  }

  #note(id: string, change: Change): void {
    this.#changes.set(id, change);
    if (change.kind !== 'Node') return;
    const node = objectOf('Node', change);
    if (node === undefined) this.#nodes.delete(change.key);
    else this.#nodes.set(change.key, node);
    if (this.#configuration.dependsOnNodes) this.#isConfigurationDirty = true;
  }

  #setProblems(id: string, problems: readonly ObjectProblem[]): void {
    const before = this.#problems.get(id)?.length ?? 0;
    if (before + problems.length === 0) return;
    if (problems.length === 0) this.#problems.delete(id);
    else this.#problems.set(id, problems);
    this.#haveProblemsChanged = true;
  }

  #crossProblem({ kind, key, problem }: CrossObjectProblem): ObjectProblem {
    const stays = problem.severity === 'error' && this.#configuration.has(kind, key);
    const rule = stays ? `${problem.rule} The last accepted version stays in force.` : problem.rule;
    return objectProblem('', undefined, this.#nameOf({ kind, key }), { ...problem, rule });
  }

  #nameOf(identity: Identity): { kind: string; namespace: string; name: string } {
    const { kind, key } = identity;
    const slash = key.indexOf('/');
    const namespace = isConfiguration(identity) ? this.#namespace : key.slice(0, Math.max(slash, 0));
    return { kind, namespace, name: key.slice(slash + 1) };
  }
}

const byName = (a: ObjectProblem, b: ObjectProblem): number => {
  const [one, other] = [a, b].map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
};
