// An nf_tables of our own in memory: it refuses what the kernel refuses, keeps transactions whole, and can be shown.
import type { Element } from './elements.ts';
import { elementLengths, unpackElements } from './elements.ts';
import type { BaseChain, Elements, Expression, Operation, SetDefinition } from './operation.ts';
import type { CommitResult, NftablesPort } from './port.ts';

export interface FakeChain {
  readonly base: BaseChain | undefined;
  readonly rules: readonly (readonly Expression[])[];
}

export interface FakeElement extends Element {
  /** For what rules added: when it ceases to count, in the evaluation's seconds. */
  readonly untilSeconds?: number;
}

export interface FakeSet {
  readonly definition: SetDefinition;
  /** By key, and key end for ranges. */
  readonly elements: ReadonlyMap<string, FakeElement>;
}

export interface FakeTable {
  readonly chains: ReadonlyMap<string, FakeChain>;
  readonly sets: ReadonlyMap<string, FakeSet>;
}

export interface FakeNftables extends NftablesPort {
  /** What is there now, undefined for no table. Not changed by later commits. */
  readonly table: FakeTable | undefined;
  /** Replaces a set's elements: what rules do, or a stranger. */
  setElements(set: string, elements: ReadonlyMap<string, FakeElement>): void;
  /** Called before each operation; what it returns is the kernel's refusal of it. */
  refuse: (operation: Operation) => { code: string; detail: string } | undefined;
  readonly commits: number;
}

export function fakeNftables(): FakeNftables {
  let table: FakeTable | undefined;
  let generation = 1;
  let commits = 0;
  const fake: FakeNftables = {
    refuse: () => undefined,
    get table() {
      return table;
    },
    get commits() {
      return commits;
    },
    setElements(name, elements) {
      const set = table?.sets.get(name);
      if (table === undefined || set === undefined) throw new Error(`no set ${name}`);
      table = { ...table, sets: new Map(table.sets).set(name, { ...set, elements }) };
    },
    commit(operations): CommitResult {
      commits++;
      let draft = table;
      for (const [index, operation] of operations.entries()) {
        const refused = fake.refuse(operation);
        const result = refused === undefined ? applyOperation(draft, operation) : refused.code;
        if (typeof result === 'string')
          return { ok: false, operation: index, code: result, detail: refused?.detail ?? '' };
        draft = result.table;
      }
      table = draft;
      generation++;
      return { ok: true };
    },
    chains: () =>
      table && new Map([...table.chains].map(([name, chain]) => [name, chain.rules.length] as const)),
    sets: () => [...(table?.sets.keys() ?? [])],
    *elements({ name }) {
      const set = table?.sets.get(name);
      if (set !== undefined && set.elements.size > 0) yield [...set.elements.values()];
    },
    generation: () => generation,
    [Symbol.dispose]() {},
  };
  return fake;
}

/** The table after the operation, or the errno by which the kernel refuses it. */
function applyOperation(
  table: FakeTable | undefined,
  operation: Operation,
): { readonly table: FakeTable | undefined } | string {
  if (operation.op === 'add-table')
    return table === undefined ? { table: { chains: new Map(), sets: new Map() } } : 'EEXIST';
  if (table === undefined) return 'ENOENT';
  const { chains, sets } = table;
  const withChain = (name: string, chain: FakeChain | undefined) => ({
    table: { ...table, chains: changed(chains, name, chain) },
  });
  const withSet = (name: string, set: FakeSet | undefined) => ({
    table: { ...table, sets: changed(sets, name, set) },
  });

  switch (operation.op) {
    case 'delete-table':
      return { table: undefined };
    case 'add-chain':
      if (chains.has(operation.chain)) return 'EEXIST';
      return withChain(operation.chain, { base: operation.base, rules: [] });
    case 'delete-chain': {
      const chain = chains.get(operation.chain);
      if (chain === undefined) return 'ENOENT';
      return chain.rules.length > 0 || leadsTo(table, operation.chain)
        ? 'EBUSY'
        : withChain(operation.chain, undefined);
    }
    case 'flush-chain': {
      const chain = chains.get(operation.chain);
      return chain === undefined ? 'ENOENT' : withChain(operation.chain, { ...chain, rules: [] });
    }
    case 'add-rule': {
      const chain = chains.get(operation.chain);
      if (chain === undefined) return 'ENOENT';
      const refusal = operation.expressions.map((expression) => refusalOf(table, expression)).find(Boolean);
      if (refusal !== undefined) return refusal;
      return withChain(operation.chain, { ...chain, rules: [...chain.rules, operation.expressions] });
    }
    case 'add-set':
      if (sets.has(operation.set.name)) return 'EEXIST';
      return withSet(operation.set.name, { definition: operation.set, elements: new Map() });
    case 'delete-set':
      if (!sets.has(operation.set)) return 'ENOENT';
      return setsReferredTo(table).has(operation.set) ? 'EBUSY' : withSet(operation.set, undefined);
    case 'add-elements':
    case 'delete-elements': {
      const set = sets.get(operation.set);
      if (set === undefined) return 'ENOENT';
      const elements =
        operation.op === 'add-elements'
          ? addElements(table, set, operation.elements)
          : deleteElements(set, operation.elements);
      return typeof elements === 'string' ? elements : withSet(operation.set, { ...set, elements });
    }
    default:
      return operation satisfies never;
  }
}

function changed<V>(map: ReadonlyMap<string, V>, key: string, value: V | undefined): ReadonlyMap<string, V> {
  const copy = new Map(map);
  if (value === undefined) copy.delete(key);
  else copy.set(key, value);
  return copy;
}

function leadsTo(table: FakeTable, name: string): boolean {
  const byRule = [...table.chains.values()].some(({ rules }) =>
    rules.some((rule) =>
      rule.some((step) => step.op === 'verdict' && 'chain' in step.verdict && step.verdict.chain === name),
    ),
  );
  const byElement = [...table.sets.values()].some(({ elements }) =>
    [...elements.values()].some(({ verdict }) => verdict?.chain === name),
  );
  return byRule || byElement;
}

const setsReferredTo = (table: FakeTable): Set<string> =>
  new Set(
    [...table.chains.values()].flatMap(({ rules }) =>
      rules.flatMap((rule) => rule.flatMap((step) => ('set' in step ? [step.set] : []))),
    ),
  );

function refusalOf(table: FakeTable, expression: Expression): string | undefined {
  if (expression.op === 'verdict' && 'chain' in expression.verdict)
    return table.chains.has(expression.verdict.chain) ? undefined : 'ENOENT';
  if (!('set' in expression)) return undefined;
  const set = table.sets.get(expression.set)?.definition;
  if (set === undefined) return 'ENOENT';
  if (expression.op !== 'lookup') return set.timeoutSeconds === undefined ? 'EOPNOTSUPP' : undefined;
  const wanted = expression.to === undefined ? 'none' : expression.to === 'verdict' ? 'verdict' : 'value';
  const has = set.data === undefined ? 'none' : set.data === 'verdict' ? 'verdict' : 'value';
  return wanted === has ? undefined : 'EINVAL';
}

function addElements(table: FakeTable, set: FakeSet, added: Elements): Map<string, FakeElement> | string {
  const lengths = elementLengths(set.definition);
  if (added.keyLength !== lengths.keyLength || added.dataLength !== lengths.dataLength) return 'EINVAL';
  const elements = new Map(set.elements);
  for (const element of unpackElements(added)) {
    const key = identity(element);
    if (elements.has(key)) return 'EEXIST';
    if (set.definition.data === 'verdict') {
      if (element.verdict === undefined) return 'EINVAL';
      if (!table.chains.has(element.verdict.chain)) return 'ENOENT';
    }
    if (set.definition.ranges && [...elements.values()].some((other) => overlap(element, other)))
      return 'ENOTEMPTY';
    elements.set(key, element);
  }
  return elements;
}

function deleteElements(set: FakeSet, deleted: Elements): Map<string, FakeElement> | string {
  const elements = new Map(set.elements);
  for (const element of unpackElements(deleted)) if (!elements.delete(identity(element))) return 'ENOENT';
  return elements;
}

const identity = (element: Element): string => element.key + (element.keyEnd ?? '');

/**
 * As the kernel sees it: one of the new range's ends lies in the other. It accepts a range around another one. The
 * fields but the last are the same at both ends of our ranges, so comparing whole keys is enough.
 */
const overlap = (added: Element, other: Element): boolean =>
  [added.key, added.keyEnd ?? added.key].some(
    (end) => other.key <= end && end <= (other.keyEnd ?? other.key),
  );

/** All of a table as text, for comparing and for people. */
export function showTable(table: FakeTable | undefined): string {
  const hex = (text = ''): string => Buffer.from(text, 'latin1').toString('hex');
  const lines: string[] = [];
  for (const [name, set] of [...(table?.sets ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const elements = [...set.elements.values()].map(
      ({ key, keyEnd, data, verdict }) =>
        `  ${hex(key)} ${hex(keyEnd)} ${hex(data)} ${verdict === undefined ? '' : `${verdict.kind} ${verdict.chain}`}`,
    );
    lines.push(`set ${name}`, ...elements.sort());
  }
  for (const [name, chain] of [...(table?.chains ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`chain ${name}: ${chain.rules.length} rules`);
  return lines.join('\n');
}
