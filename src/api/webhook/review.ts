// The envelope of the API server's questions (AdmissionReview, admission.k8s.io/v1): a request with a uid, and its answer.
import { isRecord, type RawObject } from '../record.ts';

export interface ReviewRequest {
  readonly uid: string;
  readonly request: RawObject;
}

/** What is asked is no such question: for the HTTP answer, with status 400. */
export interface ReviewFault {
  readonly fault: string;
}

export interface ReviewAnswer {
  readonly apiVersion: string;
  readonly kind: string;
  readonly response: RawObject;
}

const apiVersion = 'admission.k8s.io/v1';

/** Reads the envelope. Never throws. */
export function readReview(body: unknown): ReviewRequest | ReviewFault {
  if (!isRecord(body) || body['kind'] !== 'AdmissionReview' || body['apiVersion'] !== apiVersion)
    return { fault: `This must be an AdmissionReview of ${apiVersion}.` };
  const request = body['request'];
  const uid = isRecord(request) ? request['uid'] : undefined;
  if (!isRecord(request) || typeof uid !== 'string')
    return { fault: 'An AdmissionReview needs a request with a uid.' };
  return { uid, request };
}

/** `response` without its uid. */
export const reviewAnswer = (uid: string, response: RawObject): ReviewAnswer => ({
  apiVersion,
  kind: 'AdmissionReview',
  response: { uid, ...response },
});
