// Which objects a list or watch of the fake API server is about.
import { isRecord } from '../api-object.ts';
import type { StoredObject } from './store.ts';

export type Selects = (object: StoredObject) => boolean;

/** Labels by `a=b`, `a!=b`, `a in (b,c)`, `a`, `!a`; fields by `=` and `!=`, any that has a text. */
export function selectsOf(
  labelSelector: string | null,
  fieldSelector: string | null,
  namespace: string | undefined,
): Selects {
  const labels = split(labelSelector).map(labelTerm);
  const fields = split(fieldSelector).map(fieldTerm);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels.every((selects) => selects(object)) &&
    fields.every((selects) => selects(object));
}

/** At commas that are not in parentheses. */
const split = (selector: string | null): string[] =>
  selector === null || selector === '' ? [] : selector.split(/,(?![^(]*\))/);

function labelTerm(term: string): Selects {
  const labelOf = (object: StoredObject, name: string): unknown => {
    const labels = object.metadata['labels'];
    return isRecord(labels) ? labels[name] : undefined;
  };
  const set = /^(\S+) (in|notin) \(([^)]*)\)$/.exec(term.trim());
  if (set !== null) {
    const [, name = '', operator, list = ''] = set;
    const values = new Set<unknown>(list.split(',').map((value) => value.trim()));
    return (object) => values.has(labelOf(object, name)) === (operator === 'in');
  }
  const [, name = '', operator, value] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? [];
  if (operator !== undefined) return (object) => (labelOf(object, name) === value) === (operator !== '!=');
  const isAbsent = term.startsWith('!');
  return (object) => (labelOf(object, term.replace('!', '')) === undefined) === isAbsent;
}

function fieldTerm(term: string): Selects {
  const [, path = '', operator, value] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? [];
  return (object) => {
    let found: unknown = object;
    for (const step of path.split('.')) found = isRecord(found) ? found[step] : undefined;
    return ((found ?? '') === value) === (operator !== '!=');
  };
}
