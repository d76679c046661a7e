// Answers AdmissionReviews (admission.k8s.io/v1): the verdict on a change, in the API server's words.
import { formatProblem } from '../../model/problem.ts';
import { type FieldProblem, formatPath, formatValue } from '../field-problem.ts';
import { objectProblem } from '../manifest.ts';
import { isRecord, type RawObject, valueAt } from '../record.ts';
import { type ReviewAnswer, type ReviewFault, readReview, reviewAnswer } from './review.ts';
import { type AdmissionContext, type AdmissionQuestion, judge } from './verdict.ts';

/** The API server shows so much of a warning, and not many of them. */
const longestWarning = 256;
const mostWarnings = 10;
const mostCauses = 20;

/** A question with what answers it. */
export interface AdmissionReview {
  readonly uid: string;
  readonly question: AdmissionQuestion;
}

/** Pure: reads the body of a request. Never throws. */
export function readAdmission(body: unknown): AdmissionReview | ReviewFault {
  const review = readReview(body);
  return 'fault' in review ? review : { uid: review.uid, question: questionOf(review.request) };
}

/** The answer, and what it comes to. */
export interface AdmissionOutcome {
  readonly answer: ReviewAnswer;
  readonly verdict: 'allowed' | 'warned' | 'denied';
  /** What is wrong, a line for each field; empty where it is allowed. */
  readonly refusal: string;
}

/** Pure: the outcome of a review. Never throws. */
export function decideAdmission(
  { uid, question }: AdmissionReview,
  context: AdmissionContext,
): AdmissionOutcome {
  const verdict = judge(question, context);
  const errors = verdict.filter(({ severity }) => severity === 'error');
  const warnings = verdict
    .filter(({ severity }) => severity === 'warning')
    .slice(0, mostWarnings)
    .map((problem) => shortened(sentenceOf(question, problem)));
  const status = errors.length === 0 ? undefined : refusal(question, errors.slice(0, mostCauses));
  return {
    answer: reviewAnswer(uid, {
      allowed: status === undefined,
      ...(status && { status }),
      ...(warnings.length === 0 ? {} : { warnings }),
    }),
    verdict: status !== undefined ? 'denied' : warnings.length > 0 ? 'warned' : 'allowed',
    refusal: status?.message ?? '',
  };
}

/** Where the rest of the configuration could not be read: nobody is held up for that. */
export const unjudged = ({ uid }: AdmissionReview, why: string): ReviewAnswer =>
  reviewAnswer(uid, { allowed: true, warnings: [shortened(why)] });

function questionOf(request: RawObject): AdmissionQuestion {
  const objectAt = (name: string): RawObject | undefined => {
    const value = request[name];
    return isRecord(value) ? value : undefined;
  };
  return {
    group: textAt(request, ['kind', 'group']),
    kind: textAt(request, ['kind', 'kind']),
    subResource: textAt(request, ['subResource']),
    object: request['operation'] === 'DELETE' ? undefined : objectAt('object'),
    oldObject: objectAt('oldObject'),
  };
}

function textAt(root: unknown, path: readonly string[]): string {
  const value = valueAt(root, path);
  return typeof value === 'string' ? value : '';
}

/** A Status (meta/v1) with a cause for each field. */
function refusal(question: AdmissionQuestion, errors: readonly FieldProblem[]) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 422,
    reason: 'Invalid',
    message: errors.map((problem) => sentenceOf(question, problem)).join('\n'),
    details: {
      name: nameOf(question),
      group: question.group,
      kind: question.kind,
      causes: errors.map((problem) => ({
        reason: 'FieldValueInvalid',
        field: formatPath(problem.path),
        message: `${problem.value === undefined ? '' : `Invalid value: ${formatValue(problem.path, problem.value)}: `}${problem.rule}`,
      })),
    },
  };
}

const nameOf = ({ object, oldObject }: AdmissionQuestion): string =>
  textAt(object ?? oldObject, ['metadata', 'name']);

/** `Kind namespace/name: field: value: rule`. */
function sentenceOf(question: AdmissionQuestion, problem: FieldProblem): string {
  const namespace = textAt(question.object ?? question.oldObject, ['metadata', 'namespace']);
  const header = { kind: question.kind, namespace, name: nameOf(question) };
  return formatProblem(objectProblem('', undefined, header, problem));
}

const shortened = (text: string): string =>
  text.length > longestWarning ? `${text.slice(0, longestWarning - 1)}…` : text;
