// What the table holds, as far as we know, and the transaction that takes it from there to what is wanted.
import type { ServiceKey } from '../../model/service.ts';
import type { Frontend } from '../table.ts';
import { compile, contentsIn, definitionsOfKey, type Rows, type TableKey, tableKey } from './compile.ts';
import { type ByteString, type Element, packElements } from './elements.ts';
import type { Operation } from './operation.ts';
import { type SharedObject, sharedObjects } from './shared-object.ts';

/** A frontend in the table: one of ours, or one found there whose Service is not known yet. */
export type Held =
  | {
      readonly kind: 'ours';
      readonly service: ServiceKey;
      readonly frontend: Frontend;
      readonly contents: ByteString;
    }
  /** Where its endpoints were not read, they are keys without data, and the contents' hash vouches for them. */
  | { readonly kind: 'found'; readonly rows: Rows; readonly endpointsRead: boolean };

export interface TableState {
  readonly frontends: Map<TableKey, Held>;
  readonly keysOf: Map<ServiceKey, Set<TableKey>>;
  /** How many frontends need each shared object. */
  readonly uses: Map<string, number>;
  /** Shared objects that are in the table, used or not. */
  readonly present: Map<string, SharedObject>;
}

export const emptyState = (): TableState => ({
  frontends: new Map(),
  keysOf: new Map(),
  uses: new Map(),
  present: new Map(),
});

/** One Service's part of a transaction. */
export interface Step {
  readonly service: ServiceKey;
  readonly put: readonly Frontend[];
  /** Frontends that the Service has no more; those that another has taken over meanwhile stay. */
  readonly remove: readonly TableKey[];
}

/** How a frontend changed, for those who keep state about its flows. */
export interface FrontendChange {
  readonly key: TableKey;
  /** Undefined: it was found in the table, or was not there. */
  readonly before: Frontend | undefined;
  readonly after: Frontend | undefined;
  /** Whether anything of it changes in the table. */
  readonly touched: boolean;
}

export interface Transaction {
  readonly operations: readonly Operation[];
  /** For each operation the index of the step that it is for; undefined for those of shared objects. */
  readonly stepOf: readonly (number | undefined)[];
  readonly changes: readonly FrontendChange[];
  /** No longer used; to be destroyed after a while. */
  readonly retired: readonly SharedObject[];
  /** Brings the state up to date; to be called when the operations are in the kernel. */
  readonly done: () => void;
}

export function planTransaction(state: TableState, steps: readonly Step[]): Transaction {
  const operations: Operation[] = [];
  const stepOf: number[] = [];
  const changes: FrontendChange[] = [];
  const held = new Map<TableKey, Held | undefined>();
  const shared = new SharedUse();
  const current = (key: TableKey): Held | undefined =>
    held.has(key) ? held.get(key) : state.frontends.get(key);

  for (const [index, step] of steps.entries()) {
    for (const frontend of step.put) {
      const key = tableKey(frontend);
      const before = current(key);
      if (before?.kind === 'ours' && before.frontend === frontend && before.service === step.service)
        continue;
      const rows = compile(frontend);
      const needed = isSame(before, rows) ? [] : rowOperations(key, before && rowsOf(before), rows);
      operations.push(...needed);
      if (before?.kind === 'ours') shared.release(sharedObjects(before.frontend));
      shared.use(sharedObjects(frontend));
      held.set(key, { kind: 'ours', service: step.service, frontend, contents: contentsIn(rows) });
      changes.push(changeOf(key, before, frontend, needed.length > 0));
    }
    for (const key of step.remove) {
      const before = current(key);
      if (before === undefined || (before.kind === 'ours' && before.service !== step.service)) continue;
      operations.push(...rowOperations(key, rowsOf(before), undefined));
      if (before.kind === 'ours') shared.release(sharedObjects(before.frontend));
      held.set(key, undefined);
      changes.push(changeOf(key, before, undefined, true));
    }
    while (stepOf.length < operations.length) stepOf.push(index);
  }

  const { created, destroyed, retired, uses } = shared.settle(state);
  const first = created.flatMap((object) => object.create());
  const last = destroyed.flatMap((object) => object.destroy());
  return {
    operations: [...first, ...operations, ...last],
    stepOf: [...first.map(() => undefined), ...stepOf, ...last.map(() => undefined)],
    changes,
    retired,
    done() {
      for (const [key, entry] of held) setHeld(state, key, entry);
      for (const [id, count] of uses) {
        if (count === 0) state.uses.delete(id);
        else state.uses.set(id, count);
      }
      for (const object of created) state.present.set(object.id, object);
      for (const object of destroyed) state.present.delete(object.id);
    },
  };
}

/** Counts what a transaction's frontends begin and cease to need. */
class SharedUse {
  readonly #objects = new Map<string, { readonly object: SharedObject; change: number }>();

  use(objects: readonly SharedObject[]): void {
    for (const object of objects) this.#entry(object).change++;
  }

  release(objects: readonly SharedObject[]): void {
    for (const object of objects) this.#entry(object).change--;
  }

  settle(state: TableState) {
    const created: SharedObject[] = [];
    const destroyed: SharedObject[] = [];
    const retired: SharedObject[] = [];
    const uses = new Map<string, number>();
    for (const [id, { object, change }] of this.#objects) {
      const before = state.uses.get(id) ?? 0;
      const after = before + change;
      uses.set(id, after);
      if (after > 0 && !state.present.has(id)) created.push(object);
      if (after === 0 && before > 0) (object.goes === 'at-once' ? destroyed : retired).push(object);
    }
    return { created, destroyed, retired, uses };
  }

  #entry(object: SharedObject) {
    const entry = this.#objects.get(object.id) ?? { object, change: 0 };
    this.#objects.set(object.id, entry);
    return entry;
  }
}

/** Shared objects that are in the table and nobody uses. */
export const unused = (state: TableState): readonly SharedObject[] =>
  [...state.present.values()].filter((object) => !state.uses.has(object.id));

const changeOf = (
  key: TableKey,
  before: Held | undefined,
  after: Frontend | undefined,
  touched: boolean,
): FrontendChange => ({
  key,
  before: before?.kind === 'ours' ? before.frontend : undefined,
  after,
  touched,
});

function setHeld(state: TableState, key: TableKey, held: Held | undefined): void {
  const before = state.frontends.get(key);
  if (before?.kind === 'ours') {
    const keys = state.keysOf.get(before.service);
    keys?.delete(key);
    if (keys?.size === 0) state.keysOf.delete(before.service);
  }
  if (held === undefined) state.frontends.delete(key);
  else state.frontends.set(key, held);
  if (held?.kind !== 'ours') return;
  const keys = state.keysOf.get(held.service) ?? new Set();
  state.keysOf.set(held.service, keys.add(key));
}

const rowsOf = (held: Held): Rows => (held.kind === 'ours' ? compile(held.frontend) : held.rows);

/**
 * Ours are as they were compiled, so equal contents are enough. What was found is compared row by row, but for
 * endpoints that were not read.
 */
function isSame(before: Held | undefined, rows: Rows): boolean {
  if (before === undefined) return false;
  if (before.kind === 'ours') return before.contents === contentsIn(rows);
  if (contentsIn(before.rows) !== contentsIn(rows)) return false;
  return [...new Set([...before.rows.keys(), ...rows.keys()])].every((role) => {
    const isTrusted = !before.endpointsRead && (role === 'outsideEndpoints' || role === 'insideEndpoints');
    return isTrusted || rowDifference(before.rows.get(role), rows.get(role)).length === 0;
  });
}

/** The operations that replace rows; what is alike on both sides is left alone. */
function rowOperations(key: TableKey, before: Rows | undefined, after: Rows | undefined): Operation[] {
  const definitions = definitionsOfKey(key);
  const deletions: Operation[] = [];
  const additions: Operation[] = [];
  for (const role of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
    const set = definitions[role];
    const difference = rowDifference(before?.get(role), after?.get(role));
    const gone = difference.flatMap(({ from }) => from ?? []);
    const come = difference.flatMap(({ to }) => to ?? []);
    if (gone.length > 0)
      deletions.push({ op: 'delete-elements', set: set.name, elements: packElements(set, gone) });
    if (come.length > 0)
      additions.push({ op: 'add-elements', set: set.name, elements: packElements(set, come) });
  }
  return [...deletions, ...additions];
}

interface Difference {
  readonly from: Element | undefined;
  readonly to: Element | undefined;
}

function rowDifference(
  before: readonly Element[] = [],
  after: readonly Element[] = [],
): readonly Difference[] {
  if (before.length === 0) return after.map((to) => ({ from: undefined, to }));
  const old = new Map(before.map((element) => [identity(element), element]));
  const difference: Difference[] = [];
  for (const to of after) {
    const from = old.get(identity(to));
    old.delete(identity(to));
    if (from === undefined || !sameValue(from, to)) difference.push({ from, to });
  }
  for (const from of old.values()) difference.push({ from, to: undefined });
  return difference;
}

/** Elements of one identity exclude each other. */
const identity = (element: Element): ByteString => element.key + (element.keyEnd ?? '');

const sameValue = (a: Element, b: Element): boolean =>
  a.data === b.data && a.verdict?.kind === b.verdict?.kind && a.verdict?.chain === b.verdict?.chain;
