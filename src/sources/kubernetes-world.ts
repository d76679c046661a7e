// What the objects of a cluster amount to: each one's last accepted version, and every problem that stands.
import { isDeepStrictEqual } from 'node:util';
import type { CrossObjectProblem } from '../api/cross-object.ts';
import { type FieldProblem, fieldError } from '../api/field-problem.ts';
import { kinds } from '../api/kinds.ts';
import { objectProblem } from '../api/manifest.ts';
import { changeOf, idOf, objectOf, type ParsedObject, parseObject } from '../api/parse-object.ts';
import { isRecord, type RawObject } from '../api/record.ts';
import { allocatedOf } from '../api/status.ts';
import type { Node } from '../model/node.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { ObjectVersion } from '../model/service.ts';
import type { Change, Kind } from '../model/world.ts';
import { isConfiguration, WantedConfiguration } from './wanted-configuration.ts';

/** What is kept of an object; nothing of the raw one is. */
export interface ReadObject {
  readonly parsed: ParsedObject;
  /** A status stands in it: its kind's controller had accepted it, perhaps before this process began. */
  readonly hasStatus: boolean;
}

/** Reads one object of the API; a Service comes with the addresses that its status says, and its version if wanted. */
export function readObject(raw: RawObject, version?: ObjectVersion): ReadObject {
  const parsed = parseObject(raw);
  const { status } = raw;
  const hasStatus = isRecord(status) && Object.keys(status).length > 0;
  const service = parsed.change && objectOf('Service', parsed.change);
  if (service === undefined) return { parsed, hasStatus };
  const { object: allocated = service.allocated } = allocatedOf(raw);
  return {
    parsed: {
      ...parsed,
      change: changeOf('Service', service.key, { ...service, allocated, ...(version && { version }) }),
    },
    hasStatus,
  };
}

/** Plain bookkeeping: no client, no clock. */
export class KubernetesWorld {
  /** The objects that are in the API, by identity, with the namespace and the problems of each. */
  readonly #present = new Map<
    string,
    { readonly namespace: string; readonly problems: readonly FieldProblem[] }
  >();
  /** In force, as it was last told. */
  readonly #told = new Map<string, Change>();
  readonly #nodes = new Map<string, Node>();
  readonly #configuration = new WantedConfiguration();
  readonly #establishedPools = new Set<string>();
  #changes: Change[] = [];
  /** The nodes that Gantry runs on; undefined: all. */
  #members: ReadonlySet<string> | undefined;
  #isWhole = false;
  #configurationDirty = true;
  #problemsChanged = true;

  /** `key` is the API's: `namespace/name`, or the name alone. */
  put(kind: Kind, key: string, { parsed, hasStatus }: ReadObject): void {
    const id = idOf({ kind, key: worldKey(kind, key) });
    const { change, namespace, problems } = parsed;
    if ((this.#present.get(id)?.problems.length ?? 0) + problems.length > 0) this.#problemsChanged = true;
    this.#present.set(id, { namespace, problems });
    if (kind === 'IPAddressPool' && hasStatus && !this.#isWhole) this.#establishedPools.add(parsed.name);
    if (change !== undefined) this.#accept(id, change, parsed.creationTimestamp);
  }

  remove(kind: Kind, key: string): void {
    const identity = { kind, key: worldKey(kind, key) };
    const id = idOf(identity);
    if ((this.#present.get(id)?.problems.length ?? 0) > 0) this.#problemsChanged = true;
    this.#present.delete(id);
    if (isConfiguration(identity)) {
      this.#configuration.drop(id);
      this.#configurationDirty = true;
    } else this.#tell(changeOf(kind, identity.key, undefined));
  }

  /** When an object of the configuration was made; undefined where it never was in order. */
  creationOf(kind: Kind, key: string): string | undefined {
    return this.#configuration.creationOf(idOf({ kind, key: worldKey(kind, key) }));
  }

  /** It went with its definition, which nobody means who has Services: it stays in force, and that is told. */
  strand(kind: Kind, key: string): void {
    const id = idOf({ kind, key: worldKey(kind, key) });
    const present = this.#present.get(id);
    if (present === undefined) return;
    this.#present.set(id, { ...present, problems: [fieldError([], undefined, strandedRule)] });
    this.#problemsChanged = true;
  }

  /** The nodes that Gantry runs on: those that are in the set now, until the next call. */
  setMembers(nodes: ReadonlySet<string>): void {
    this.#members = nodes;
    for (const node of this.#nodes.values()) this.#tell(changeOf('Node', node.name, node));
  }

  /** Everything that was there at first has been put: from now on there is a configuration. */
  becomeWhole(): void {
    this.#isWhole = true;
    this.#configuration.establishedPools = this.#establishedPools;
  }

  /** What changed since the last flush. The configuration kinds come last, when all that they depend on is known. */
  flush(): Change[] {
    if (this.#isWhole && this.#configurationDirty) {
      const had = this.#configuration.problems.length;
      for (const change of this.#configuration.plan(this.#nodes)) this.#tell(change);
      if (had + this.#configuration.problems.length > 0) this.#problemsChanged = true;
      this.#configurationDirty = false;
    }
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** All problems that stand, if they changed since the last call. */
  changedProblems(): ObjectProblem[] | undefined {
    if (!this.#problemsChanged) return undefined;
    this.#problemsChanged = false;
    const own = [...this.#present].flatMap(([id, { problems }]) =>
      problems.map((problem) => this.#problem(id, problem, this.#told.has(id))),
    );
    return [...own, ...this.#configuration.problems.map((problem) => this.#crossProblem(problem))];
  }

  #accept(id: string, change: Change, creationTimestamp: string | undefined): void {
    if (isConfiguration(change)) {
      this.#configuration.want(id, change, creationTimestamp);
      this.#configurationDirty = true;
    } else this.#tell(change);
  }

  #withMembership(change: Change): Change {
    const node = objectOf('Node', change);
    if (node === undefined || this.#members === undefined) return change;
    return changeOf('Node', node.name, { ...node, isMember: this.#members.has(node.name) });
  }

  #tell(wanted: Change): void {
    const change = this.#withMembership(wanted);
    const id = idOf(change);
    const before = this.#told.get(id)?.object;
    if (isDeepStrictEqual(before, change.object)) return;
    if (change.object === undefined) this.#told.delete(id);
    else this.#told.set(id, change);
    this.#changes.push(change);
    if (change.kind !== 'Node') return;
    if (change.object === undefined) this.#nodes.delete(change.key);
    else this.#nodes.set(change.key, change.object);
    if (this.#configuration.dependsOnNodes) this.#configurationDirty = true;
  }

  #crossProblem({ kind, key, problem }: CrossObjectProblem): ObjectProblem {
    return this.#problem(idOf({ kind, key }), problem, this.#configuration.has(kind, key));
  }

  #problem(id: string, problem: FieldProblem, isInForce: boolean): ObjectProblem {
    const [kind = '', key = ''] = id.split(' ');
    const name = key.slice(key.indexOf('/') + 1);
    const namespace = this.#present.get(id)?.namespace ?? '';
    const stays = problem.severity === 'error' && isInForce;
    const rule = stays ? `${problem.rule} The last accepted version stays in force.` : problem.rule;
    return objectProblem('', undefined, { kind, namespace, name }, { ...problem, rule });
  }
}

const strandedRule =
  'It is gone because the definition of its kind was removed: apply both again, from a backup if need be.';

/** Objects of Gantry's own kinds are all in one namespace, and are known by their names. */
const worldKey = (kind: Kind, key: string): string =>
  kinds[kind].keyedBy === 'name' ? key.slice(key.indexOf('/') + 1) : key;
