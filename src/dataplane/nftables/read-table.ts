// Reads back what the table holds: after a restart to adopt it, later to see whether anybody changed it.
import { contentsCounts, contentsIn, definitions, slotKey, type TableKey } from './compile.ts';
import type { Element } from './elements.ts';
import { layoutRules } from './layout.ts';
import type { SetDefinition } from './operation.ts';
import type { NftablesPort } from './port.ts';
import { type SetRole, setRoles } from './sets.ts';
import { affinityScope, rememberObject, type SharedObject, sharedElement } from './shared-object.ts';
import { emptyState, type Held, type TableState } from './table-state.ts';

export type TableFound =
  /** No table, or one that is not whole or of another layout. */
  { readonly kind: 'none' | 'other' } | { readonly kind: 'ours'; readonly state: TableState };

const endpointRoles: readonly SetRole[] = ['outsideEndpoints', 'insideEndpoints'];

/**
 * `endpoints` false trusts what the frontends' contents say of their endpoints: reading 250,000 takes seconds.
 * `pause` is awaited between parts.
 */
export async function readTable(
  port: NftablesPort,
  endpoints: boolean,
  pause: () => Promise<void>,
): Promise<TableFound> {
  const chains = port.chains();
  if (chains === undefined) return { kind: 'none' };
  const sets = new Set(port.sets());
  if (!isOurLayout(chains, sets)) return { kind: 'other' };

  const state = emptyState();
  const addShared = (object: SharedObject): void => void state.present.set(object.id, object);
  for (const family of ['IPv4', 'IPv6'] as const) {
    const rows = new Map<TableKey, Map<SetRole, Element[]>>();
    for (const role of setRoles) {
      const set = definitions[family][role];
      if (endpointRoles.includes(role) && !endpoints) continue;
      for (const part of port.elements(set)) {
        for (const element of part) {
          if (role === 'addresses' || role === 'hairpin') addShared(sharedElement(set, element.key));
          else addRow(rows, family === 'IPv4' ? 12 : 24, role, element);
        }
        await pause();
      }
    }
    for (const [key, found] of rows) {
      if (!endpoints) addUnreadEndpoints(key, found);
      const held: Held = { kind: 'found', rows: found, endpointsRead: endpoints };
      state.frontends.set(key, held);
    }
  }
  for (const object of affinityObjects(chains)) addShared(object);
  return { kind: 'ours', state };
}

/**
 * Whether the table seems to hold what the state says: chains and rules by their number, frontends by their contents'
 * hashes. It finds what a stranger flushed or deleted as a whole, not a single element gone from one of the maps.
 */
export async function seemsUnchanged(
  port: NftablesPort,
  state: TableState,
  pause: () => Promise<void>,
): Promise<boolean> {
  const chains = port.chains();
  if (chains === undefined || !isOurLayout(chains, new Set(port.sets()))) return false;
  let frontends = 0;
  for (const { contents, outside } of [definitions.IPv4, definitions.IPv6]) {
    for (const part of port.elements(contents)) {
      for (const { key, data } of part) {
        const held = state.frontends.get(key);
        if (held?.kind !== 'ours' || held.contents !== data) return false;
      }
      frontends += part.length;
      await pause();
    }
    for (const part of port.elements(outside)) {
      if (part.some(({ key }) => !state.frontends.has(key))) return false;
      frontends += part.length;
      await pause();
    }
  }
  return frontends === 2 * state.frontends.size;
}

/** All of the layout, whole, and nothing besides but session affinity: whatever else there is, somebody else did. */
function isOurLayout(chains: ReadonlyMap<string, number>, sets: ReadonlySet<string>): boolean {
  const isWhole = [...layoutRules].every(
    ([chain, rules]) => rules === undefined || chains.get(chain) === rules,
  );
  const layoutSets = new Set(Object.values(definitions).flatMap((all) => Object.values(all).map(nameOf)));
  const scopes = new Set([...chains.keys()].flatMap((chain) => stickyName.exec(chain)?.[1] ?? []));
  return (
    isWhole &&
    [...layoutSets].every((set) => sets.has(set)) &&
    [...sets].every((set) => layoutSets.has(set) || scopes.has(set.replace(/^affinity/, ''))) &&
    [...chains].every(([chain, rules]) => {
      if (layoutRules.has(chain)) return true;
      const scope = stickyName.exec(chain)?.[1];
      if (scope !== undefined) return rules === 1 && sets.has(`affinity${scope}`);
      return rules === 2 && scopes.has(rememberName.exec(chain)?.[1] ?? '');
    })
  );
}

const nameOf = (set: SetDefinition): string => set.name;
const stickyName = /^sticky([46]-[0-9a-f]{16})$/;
const rememberName = /^remember([46]-[0-9a-f]{16})-\d+$/;

/** Chains and maps of session affinity. */
function* affinityObjects(chains: ReadonlyMap<string, number>): Generator<SharedObject> {
  for (const chain of chains.keys()) {
    const scope = stickyName.exec(chain)?.[1];
    if (scope !== undefined) yield affinityScope(chain, `affinity${scope}`);
  }
  for (const chain of chains.keys()) if (rememberName.test(chain)) yield rememberObject(chain);
}

function addRow(
  rows: Map<TableKey, Map<SetRole, Element[]>>,
  keyLength: number,
  role: SetRole,
  element: Element,
): void {
  const key = element.key.slice(0, keyLength);
  const frontend = rows.get(key) ?? new Map<SetRole, Element[]>();
  rows.set(key, frontend);
  const elements = frontend.get(role);
  if (elements === undefined) frontend.set(role, [element]);
  else elements.push(element);
}

function addUnreadEndpoints(key: TableKey, rows: Map<SetRole, Element[]>): void {
  const counts = contentsCounts(contentsIn(rows));
  for (const [role, count] of [
    ['outsideEndpoints', counts.outside],
    ['insideEndpoints', counts.inside],
  ] as const) {
    if (count > 0)
      rows.set(
        role,
        Array.from({ length: count }, (_, slot) => ({ key: slotKey(key, slot) })),
      );
  }
}
