// The envelope of the API server's questions (AdmissionReview, ConversionReview): a request with a uid, and its answer.
import { isRecord, type RawObject } from '../record.ts';

export interface ReviewRequest {
  readonly apiVersion: string;
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

/** Reads the envelope, of the kind given and its version v1. Never throws. */
export function readReview(
  body: unknown,
  kind: 'AdmissionReview' | 'ConversionReview',
): ReviewRequest | ReviewFault {
  const group = kind === 'AdmissionReview' ? 'admission.k8s.io' : 'apiextensions.k8s.io';
  const apiVersion = `${group}/v1`;
  if (!isRecord(body) || body['kind'] !== kind || body['apiVersion'] !== apiVersion)
    return { fault: `This must be a ${kind} of ${apiVersion}.` };
  const request = body['request'];
  const uid = isRecord(request) ? request['uid'] : undefined;
  if (!isRecord(request) || typeof uid !== 'string')
    return { fault: `A ${kind} needs a request with a uid.` };
  return { apiVersion, uid, request };
}
