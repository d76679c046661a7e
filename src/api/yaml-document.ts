// One YAML 1.2 document: its value, or what is wrong with its text; and the line where a field stands.
import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { FieldPath } from './field-problem.ts';

/** Line numbers are 1-based and count from the document's own first line. */
export type DocumentContent =
  | { readonly value: unknown }
  | { readonly error: string; readonly line: number | undefined };

/**
 * Reads the text of one YAML document. Only the value is kept: the syntax tree takes many times its size, and
 * `fieldLines` builds it again for the few that have a problem.
 */
export function readYamlDocument(text: string): DocumentContent {
  const { document, lines } = parse(text);
  const [error] = document.errors;
  if (error !== undefined) {
    return {
      error: `This is not valid YAML: ${firstLine(error.message)}.`,
      line: lines.linePos(error.pos[0]).line,
    };
  }
  const bad = badKey(document);
  if (bad !== undefined) return { error: bad.rule, line: lines.linePos(bad.offset).line };
  try {
    // The copy's strings are their own: those of the original are slices that keep the whole text in memory.
    return { value: structuredClone(document.toJS({ maxAliasCount: 100 })) };
  } catch (error) {
    // Aliases and merges are followed only here: without an anchor, of the wrong kind, or growing without bound.
    if (!(error instanceof Error)) throw error;
    return { error: `This is not valid YAML: ${firstLine(error.message)}.`, line: undefined };
  }
}

/**
 * Tells the line of the field at a path, or of the nearest field around it that is written. The text is read when
 * the first line is asked for. JSON will do as well, being YAML.
 */
export function fieldLines(text: string): (path: FieldPath) => number {
  let parsed: ReturnType<typeof parse> | undefined;
  return (path) => {
    if (text.length > largestLocatedText) return 1;
    parsed ??= parse(text);
    return parsed.lines.linePos(offsetOfField(parsed.document, path)).line;
  };
}

/** Beyond this the syntax tree takes too long to build for the sake of a line number. */
const largestLocatedText = 1024 * 1024;

function offsetOfField(document: Document, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isCollection(node) && typeof step === 'number') {
      const item: unknown = node.items[step];
      if (item === undefined) break;
      offset = offsetOf(item) ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

function parse(text: string): { readonly document: Document; readonly lines: LineCounter } {
  const lines = new LineCounter();
  // The library looks for repeated keys in quadratic time, so that is left to `badKey`.
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    uniqueKeys: false,
  });
  return { document, lines };
}

/** A key that is given twice, or that is no text. */
function badKey(document: Document): { readonly rule: string; readonly offset: number } | undefined {
  const open: unknown[] = [document.contents];
  while (open.length > 0) {
    const node = open.pop();
    if (!isCollection(node)) continue;
    const keys = new Set<string>();
    for (const item of node.items) {
      if (!isPair(item)) {
        open.push(item);
        continue;
      }
      open.push(item.value);
      const offset = offsetOf(item.key) ?? 0;
      if (!isScalar(item.key))
        return { rule: 'The name of a field must be plain text: write it as such.', offset };
      const key = String(item.key.value);
      if (keys.has(key) && key !== '<<') {
        return { rule: `The field ${key} is given twice in one object: keep one.`, offset };
      }
      keys.add(key);
    }
  }
  return undefined;
}

const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];

const firstLine = (message: string): string => message.split('\n', 1)[0] ?? message;
