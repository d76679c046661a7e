// Lists in which nothing is given twice.
//
// To the API server they are lists like any other (atomic), as they are in MetalLB's definitions. Were they sets or maps
// now, then of an object that was applied before, server-side apply would keep what its owner has since taken out.
import * as z from 'zod/mini';

/** A list of texts, each given once; every repetition breaks `rule`. */
export const distinctTexts = <S extends z.ZodMiniType<string>>(item: S, rule: string) =>
  z.array(item).check(distinctBy((text) => text, [], rule));

/** A list of objects of which no two have the same text in the field `key`. */
export const distinctObjects = <K extends string, S extends z.ZodMiniType<Readonly<Record<K, string>>>>(
  item: S,
  key: K,
  rule: string,
) => z.array(item).check(distinctBy((object) => object[key], [key], rule));

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
