// Whether a change of an object is let through, and what the person who makes it is told.
//
// Only what the change itself breaks is refused. An object that was bad before may still be labelled, finalized or
// deleted, and a Service is never refused.
import { isDeepStrictEqual } from 'node:util';
import type { CrossObjectInput } from '../cross-object.ts';
import { type ConfigurationKind, configurationKinds } from '../cross-object.ts';
import { type FieldProblem, fieldError, formatPath, hasError } from '../field-problem.ts';
import { objectOf, parseObject } from '../parse-object.ts';
import { isRecord, type RawObject, valueAt, withoutNulls } from '../record.ts';
import { type Consequences, consequences } from './consequences.ts';
import { serviceProblems } from './service-warnings.ts';

/** What the API server asks about; `object` is undefined for a deletion, `oldObject` for a creation. */
export interface AdmissionQuestion {
  readonly group: string;
  readonly kind: string;
  /** Empty for the object itself. */
  readonly subResource: string;
  readonly object: RawObject | undefined;
  readonly oldObject: RawObject | undefined;
}

/** Everything else there is, as last read. */
export interface AdmissionContext extends CrossObjectInput {
  /** Where configuration objects count. */
  readonly ownNamespace: string;
}

/** Allowed without an error. */
export type Verdict = readonly FieldProblem[];

/** What the answer depends on besides the question; undefined: it is allowed, whatever there is. */
export function subjectOf({
  group,
  kind,
  subResource,
}: AdmissionQuestion): 'service' | 'configuration' | undefined {
  if (subResource !== '') return undefined;
  if (group === '' && kind === 'Service') return 'service';
  return group === 'metallb.io' && isConfigurationKind(kind) ? 'configuration' : undefined;
}

/** Pure, and never throws, whatever the objects hold. */
export function judge(question: AdmissionQuestion, context: AdmissionContext): Verdict {
  const { kind, object, oldObject } = question;
  const subject = subjectOf(question);
  if (subject === 'service')
    return object === undefined ? [] : serviceProblems(object, context.inForce.IPAddressPool).map(asWarning);
  if (subject !== 'configuration' || !isConfigurationKind(kind)) return [];
  if (object === undefined) return deletion(kind, oldObject, context);
  const isLeaving = valueAt(object, ['metadata', 'deletionTimestamp']) !== undefined;
  if (isLeaving || (oldObject !== undefined && saysTheSame(object, oldObject))) return [];
  return change(kind, object, context);
}

const isConfigurationKind = (kind: string): kind is ConfigurationKind =>
  configurationKinds.some((known) => known === kind);

const asWarning = (problem: FieldProblem): FieldProblem => ({ ...problem, severity: 'warning' });

/** Pools are selected by their labels, which count as what an object says. */
const saysTheSame = (a: RawObject, b: RawObject): boolean =>
  [['apiVersion'], ['spec'], ['metadata', 'labels']].every((path) =>
    isDeepStrictEqual(withoutNulls(valueAt(a, path)), withoutNulls(valueAt(b, path))),
  );

function change(kind: ConfigurationKind, raw: RawObject, context: AdmissionContext): Verdict {
  const namespace = valueAt(raw, ['metadata', 'namespace']);
  if (namespace !== context.ownNamespace) {
    const rule = `Gantry reads its configuration in the namespace ${context.ownNamespace} alone: create it there.`;
    return [fieldError(['metadata', 'namespace'], namespace, rule)];
  }
  const { identity, change, creationTimestamp, problems } = parseObject(raw);
  if (hasError(problems) || identity === undefined || change === undefined) return problems;
  const object = objectOf(kind, change);
  if (object === undefined) return problems;
  const { own, others } = consequences(kind, identity.key, { object, creationTimestamp }, context);
  return [...problems, ...own, ...broken(others, ['spec'], valueAt(raw, ['spec']))];
}

function deletion(
  kind: ConfigurationKind,
  oldObject: RawObject | undefined,
  context: AdmissionContext,
): Verdict {
  const metadata = oldObject?.['metadata'];
  const name = isRecord(metadata) ? metadata['name'] : undefined;
  if (typeof name !== 'string' || valueAt(metadata, ['namespace']) !== context.ownNamespace) return [];
  return broken(consequences(kind, name, undefined, context).others, ['metadata', 'name'], name);
}

/** What the others lose is said of the field that takes it from them. */
function broken(others: Consequences['others'], path: readonly string[], value: unknown): Verdict {
  return others.map(({ kind, key, problem }) => {
    const field = formatPath(problem.path);
    const rule =
      problem.severity === 'error'
        ? `This would set aside the ${kind} ${key}, for its ${field}: ${problem.rule}`
        : `The ${kind} ${key}, ${field}: ${problem.rule}`;
    return { path, value, rule, severity: problem.severity };
  });
}
