// Any object, as read from a file or the API: which kind it is, its key, and what its parser makes of it.
import type { Change, Kind, ObjectOfKind } from '../model/world.ts';
import { type FieldProblem, fieldError, fieldWarning, hasError } from './field-problem.ts';
import { isKind, kinds } from './kinds.ts';
import { dnsLabel, dnsSubdomain } from './metadata.ts';
import { nearest } from './nearest.ts';
import { deeperThan, isRecord, type RawObject } from './record.ts';

/** What identifies an object in the World. */
export interface Identity {
  readonly kind: Kind;
  readonly key: string;
}

/** An identity as one string. */
export const idOf = ({ kind, key }: Identity): string => `${kind} ${key}`;

export interface ParsedObject {
  /** As written; empty where there is none. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Undefined where the kind is not ours, or the name is missing or not allowed. */
  readonly identity: Identity | undefined;
  /** The object's state, where it is accepted. */
  readonly change: Change | undefined;
  /** RFC 3339. */
  readonly creationTimestamp: string | undefined;
  readonly problems: readonly FieldProblem[];
}

const deepestNesting = 64;

/** Parses one object of any kind. Never throws. */
export function parseObject(raw: RawObject): ParsedObject {
  const metadata = isRecord(raw['metadata']) ? raw['metadata'] : {};
  const header = {
    kind: text(raw['kind']),
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
    creationTimestamp: text(metadata['creationTimestamp']) || undefined,
  };
  const nothing = { ...header, identity: undefined, change: undefined };
  const { kind } = header;
  if (deeperThan(raw, deepestNesting)) {
    const rule = `An object is nested at most ${deepestNesting} levels deep: simplify it.`;
    return { ...nothing, problems: [fieldError([], undefined, rule)] };
  }
  if (kind === '') {
    const rule = 'An object needs apiVersion and kind, such as v1 and Service: add them.';
    return { ...nothing, problems: [fieldError(['kind'], raw['kind'], rule)] };
  }
  const apiVersion = text(raw['apiVersion']);
  if (!isKind(kind)) return { ...nothing, problems: [unknownKind(kind, apiVersion)] };
  const { apiVersions } = kinds[kind];
  if (apiVersions.includes(apiVersion))
    return { ...header, ...parseKind(kind, raw, identityOf(kind, metadata)) };
  const served = apiVersions.join(' or ');
  if (apiVersion === '' || apiVersions.some((version) => groupOf(version) === groupOf(apiVersion))) {
    const problem = fieldError(
      ['apiVersion'],
      raw['apiVersion'],
      `Gantry reads ${kind} as ${served}: write that.`,
    );
    return { ...nothing, identity: identityOf(kind, metadata), problems: [problem] };
  }
  const rule = `This is another group's ${kind}, which Gantry does not read. Its own is ${served}.`;
  return { ...nothing, problems: [fieldWarning(['apiVersion'], apiVersion, rule)] };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The core group, whose versions have no slash, is empty. */
const groupOf = (apiVersion: string): string => apiVersion.split('/').slice(0, -1).join('/');

/** What looks like a misspelt kind of ours is an error: the object that it meant stays in force. */
function unknownKind(kind: string, apiVersion: string): FieldProblem {
  const meant = nearest(kind, Object.keys(kinds));
  if (meant !== undefined && isKind(meant) && kinds[meant].apiVersions.includes(apiVersion)) {
    return fieldError(['kind'], kind, `There is no such kind. Did you mean ${meant}?`);
  }
  return fieldWarning(['kind'], kind, 'Gantry does not read this kind, so the object has no effect.');
}

function identityOf(kind: Kind, metadata: RawObject): Identity | undefined {
  const { keyedBy } = kinds[kind];
  const name = dnsSubdomain.safeParse(metadata['name']);
  if (!name.success) return undefined;
  if (keyedBy === 'name') return { kind, key: name.data };
  const namespace = dnsLabel.safeParse(metadata['namespace'] ?? 'default');
  return namespace.success ? { kind, key: `${namespace.data}/${name.data}` } : undefined;
}

function parseKind<K extends Kind>(
  kind: K,
  raw: RawObject,
  identity: Identity | undefined,
): Pick<ParsedObject, 'identity' | 'change' | 'problems'> {
  const { object, problems: found } = kinds[kind].parse(raw);
  const problems = found.length > mostProblems ? shortened(found) : found;
  const change =
    object === undefined || identity === undefined ? undefined : changeOf(kind, identity.key, object);
  return { identity, change, problems };
}

/** Nobody mends more at once, and whoever writes rubbish shall cost nobody much. */
const mostProblems = 50;

function shortened(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  const rest = problems.slice(mostProblems);
  const rule = `${rest.length} more fields of this object break a rule: mend the first, and look again.`;
  return [
    ...problems.slice(0, mostProblems),
    hasError(rest) ? fieldError([], undefined, rule) : fieldWarning([], undefined, rule),
  ];
}

/** The compiler cannot see that kind and object belong together in a union; here both come from the one K. */
export const changeOf = <K extends Kind>(kind: K, key: string, object: ObjectOfKind[K] | undefined): Change =>
  ({ kind, key, object }) as Change;

/** The reverse: the change's object if it is of this kind. The same cast for the same want. */
export const objectOf = <K extends Kind>(kind: K, change: Change): ObjectOfKind[K] | undefined =>
  change.kind === kind ? (change.object as ObjectOfKind[K] | undefined) : undefined;
