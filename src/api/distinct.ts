// Lists in which nothing is given twice: what Kubernetes calls a set, or a map with a key.
import * as z from 'zod/mini';
import { published } from './published.ts';

/** A list of texts, each given once; every repetition breaks `rule`. */
export function distinctTexts<S extends z.ZodMiniType<string>>(item: S, rule: string) {
  const list = z.array(item).check(distinctBy((text) => text, [], rule));
  published.add(list, { 'x-kubernetes-list-type': 'set' });
  return list;
}

/** A list of objects of which no two have the same text in the field `key`. */
export function distinctObjects<K extends string, S extends z.ZodMiniType<Readonly<Record<K, string>>>>(
  item: S,
  key: K,
  rule: string,
) {
  const list = z.array(item).check(distinctBy((object) => object[key], [key], rule));
  published.add(list, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });
  return list;
}

function distinctBy<T>(textOf: (item: T) => string, path: readonly string[], rule: string) {
  return z.check<T[]>(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const text = textOf(item);
      if (seen.has(text)) {
        issues.push({ code: 'custom', input: item, path: [index, ...path], message: rule, continue: true });
      }
      seen.add(text);
    }
  });
}
