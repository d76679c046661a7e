// The text of a manifest file: one JSON value, or YAML documents; with lists of objects taken apart.
import type { ObjectProblem } from '../model/problem.ts';
import {
  type FieldPath,
  type FieldProblem,
  fieldError,
  formatPath,
  formatValue,
  hasError,
} from './field-problem.ts';
import { readJsonDocument } from './json-document.ts';
import { type Identity, idOf, type ParsedObject, parseObject } from './parse-object.ts';
import { isRecord, type RawObject } from './record.ts';
import { documentsOf, type TextDocument } from './text-document.ts';
import { type DocumentContent, fieldLines, readYamlDocument } from './yaml-document.ts';

export type ManifestFormat = 'yaml' | 'json';

/** Where in a file an object stands. */
export interface Position {
  /** 0-based. */
  readonly document: number;
  /** Within the document: empty, or `items[i]` of a list. */
  readonly path: FieldPath;
}

export interface ManifestObject {
  readonly parsed: ParsedObject;
  readonly identity: Identity;
  readonly position: Position;
  /** What is wrong with this object. */
  readonly problems: readonly ObjectProblem[];
}

export interface Manifest {
  /** Objects of our kinds, accepted or not, that told their name; none twice. */
  readonly objects: readonly ManifestObject[];
  /** What is wrong with the rest of the file. */
  readonly problems: readonly ObjectProblem[];
  /** True where every document told which object it is: then what is not in `objects` is not in the file. */
  readonly whole: boolean;
}

/** YAML of this size takes a second; Kubernetes itself allows 1.5 MB an object. */
const largestYamlDocumentBytes = 4 * 1024 * 1024;
const deepestList = 4;

/** Reads a whole file. Yields after each object, so that long files can be read in slices. Never throws. */
export function* readManifest(
  file: string,
  text: string,
  format: ManifestFormat,
): Generator<undefined, Manifest> {
  const objects: ManifestObject[] = [];
  const problems: ObjectProblem[] = [];
  const positions = new Map<string, Position>();
  let whole = true;
  for (const [index, document] of documentsOf(text, format === 'json').entries()) {
    const content = readDocument(document, format);
    if ('error' in content) {
      whole = false;
      const line = content.line === undefined ? document.line : document.line + content.line - 1;
      problems.push({
        ...noObject,
        file,
        line,
        field: '',
        value: '',
        rule: content.error,
        severity: 'error',
      });
      continue;
    }
    const lineOf = fieldLines(document.text);
    for (const { raw, path } of objectsOf(content.value, [], {})) {
      const parsed = parseObject(isRecord(raw) ? raw : {});
      const found = isRecord(raw) ? parsed.problems : [notAnObject(raw)];
      const located = found.map((problem) => {
        const line = document.line + lineOf([...path, ...problem.path]) - 1;
        return objectProblem(file, line, parsed, problem);
      });
      const { identity } = parsed;
      if (identity === undefined) {
        problems.push(...located);
        if (hasError(found)) whole = false;
      } else if (positions.has(idOf(identity))) {
        const first = positions.get(idOf(identity));
        const firstLine = first === undefined ? '' : lineIn(text, format, first, ['metadata', 'name']);
        const rule = `The same object is in this file at line ${firstLine} already: keep one of the two.`;
        const line = document.line + lineOf([...path, 'metadata', 'name']) - 1;
        problems.push(objectProblem(file, line, parsed, fieldError([], undefined, rule)));
      } else {
        const position = { document: index, path };
        positions.set(idOf(identity), position);
        objects.push({ parsed, identity, position, problems: located });
      }
      yield;
    }
  }
  return { objects, problems, whole };
}

/** The raw form of the objects in a text that was read without problems before, by kind and key. */
export function* rawObjects(
  text: string,
  format: ManifestFormat,
): Generator<{ raw: RawObject; parsed: ParsedObject }> {
  for (const document of documentsOf(text, format === 'json')) {
    const content = readDocument(document, format);
    if ('error' in content) continue;
    for (const { raw } of objectsOf(content.value, [], {})) {
      if (isRecord(raw)) yield { raw, parsed: parseObject(raw) };
    }
  }
}

/** The line of a field of the object at `position`; undefined if the text has changed too much to tell. */
export function lineIn(
  text: string,
  format: ManifestFormat,
  position: Position,
  path: FieldPath,
): number | undefined {
  const document = documentsOf(text, format === 'json')[position.document];
  if (document === undefined) return undefined;
  return document.line + fieldLines(document.text)([...position.path, ...path]) - 1;
}

export function objectProblem(
  file: string,
  line: number | undefined,
  { kind, namespace, name }: Pick<ParsedObject, 'kind' | 'namespace' | 'name'>,
  { path, value, rule, severity }: FieldProblem,
): ObjectProblem {
  return {
    file,
    line,
    kind,
    namespace,
    name,
    field: formatPath(path),
    value: formatValue(path, value),
    rule,
    severity,
  };
}

const noObject = { kind: '', namespace: '', name: '' };

const notAnObject = (raw: unknown): FieldProblem => ({
  path: [],
  value: raw,
  rule: 'A manifest must be an object with apiVersion, kind and metadata.',
  severity: 'error',
});

function readDocument({ text }: TextDocument, format: ManifestFormat): DocumentContent {
  if (format === 'json') return readJsonDocument(text);
  if (text.length > largestYamlDocumentBytes) {
    const limit = largestYamlDocumentBytes / 1024 / 1024;
    const error = `A YAML document must be smaller than ${limit} MiB: write several documents, or JSON.`;
    return { error, line: undefined };
  }
  return readYamlDocument(text);
}

/**
 * The objects in a document: none in an empty one, and those of a list (`List`, `ServiceList`) one by one. Items of a
 * typed list may leave out their kind and apiVersion, as the API does.
 */
function* objectsOf(
  value: unknown,
  path: FieldPath,
  defaults: RawObject,
): Generator<{ raw: unknown; path: FieldPath }> {
  if (value === null || value === undefined) return;
  const raw = isRecord(value) ? { ...defaults, ...value } : value;
  const kind = isRecord(raw) ? raw['kind'] : undefined;
  const items = isRecord(raw) ? raw['items'] : undefined;
  const isList = typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
  if (!isList || path.length >= 2 * deepestList) {
    yield { raw, path };
    return;
  }
  const itemKind = kind.slice(0, -'List'.length);
  const itemDefaults =
    itemKind === '' ? {} : { kind: itemKind, apiVersion: isRecord(raw) ? raw['apiVersion'] : '' };
  for (const [index, item] of items.entries())
    yield* objectsOf(item, [...path, 'items', index], itemDefaults);
}
