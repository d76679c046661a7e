// Why an API server did not do what was asked: one kind for each thing that a caller may do about it, and the sentences.
import { type Sentences, sentence } from '../model/reason.ts';
import { type AccessReason, accessSentence } from './access/reason.ts';

/** One of the things that the server found wrong with an object. */
export interface FieldCause {
  /** Such as `spec.ports[0].port`; empty where the server names none. */
  readonly field: string;
  /** Such as `FieldValueInvalid`. */
  readonly reason: string;
  readonly message: string;
}

/** `at` is the request, such as `GET https://192.0.2.2:6443/api/v1/services`; `message` is the server's own. */
export type ApiReason =
  | { readonly kind: 'no-credentials'; readonly access: AccessReason }
  | { readonly kind: 'unreachable'; readonly at: string; readonly cause: string }
  | { readonly kind: 'untrusted'; readonly at: string; readonly cause: string }
  | { readonly kind: 'no-answer'; readonly at: string; readonly milliseconds: number }
  | { readonly kind: 'cut'; readonly at: string; readonly cause: string }
  | { readonly kind: 'unreadable'; readonly at: string; readonly cause: string }
  | { readonly kind: 'unauthorized'; readonly at: string; readonly message: string }
  | { readonly kind: 'forbidden'; readonly at: string; readonly message: string }
  | { readonly kind: 'not-found'; readonly at: string; readonly message: string }
  | { readonly kind: 'already-exists'; readonly at: string; readonly message: string }
  | {
      readonly kind: 'conflict';
      readonly at: string;
      readonly message: string;
      readonly causes: readonly FieldCause[];
    }
  | { readonly kind: 'expired'; readonly at: string; readonly message: string }
  | { readonly kind: 'version-too-large'; readonly at: string; readonly message: string }
  | {
      readonly kind: 'invalid';
      readonly at: string;
      readonly message: string;
      readonly causes: readonly FieldCause[];
    }
  | {
      readonly kind: 'busy';
      readonly at: string;
      readonly message: string;
      readonly retryAfterSeconds: number | undefined;
    }
  | {
      readonly kind: 'server-error';
      readonly at: string;
      readonly message: string;
      readonly retryAfterSeconds: number | undefined;
    }
  | { readonly kind: 'rejected'; readonly at: string; readonly message: string }
  | { readonly kind: 'out-of-order'; readonly at: string; readonly message: string }
  | { readonly kind: 'aborted' };

const sentences: Sentences<ApiReason> = {
  'no-credentials': ({ access }) => accessSentence(access),
  unreachable: ({ at, cause }) =>
    `${at}: the API server cannot be reached (${cause}); see that it runs and that this machine may connect to it.`,
  untrusted: ({ at, cause }) =>
    `${at}: the API server's certificate is not to be believed (${cause}); give its authority, or the name that is in it.`,
  'no-answer': ({ at, milliseconds }) =>
    `${at}: the API server said nothing for ${milliseconds} ms; see how busy it is, and whether something on the way drops its packets.`,
  cut: ({ at, cause }) =>
    `${at}: the connection ended before the answer did (${cause}); see whether the API server restarted.`,
  unreadable: ({ at, cause }) =>
    `${at}: the answer is not what an API server says (${cause}); see what answers at this address.`,
  unauthorized: ({ at, message }) => `${at}: ${message}; renew the token or the client certificate.`,
  forbidden: ({ at, message }) => `${at}: ${message}; grant it with a Role or ClusterRole.`,
  'not-found': ({ at, message }) => `${at}: ${message}; create it, or install the kind.`,
  'already-exists': ({ at, message }) => `${at}: ${message}; change the one that is there.`,
  conflict: ({ at, message, causes }) =>
    `${at}: ${message}${untold(message, causes)}; read the object again, and decide anew.`,
  expired: ({ at, message }) => `${at}: ${message}; list again.`,
  'version-too-large': ({ at, message }) =>
    `${at}: ${message}; list again without a version: the server is behind, or was restored from a backup.`,
  invalid: ({ at, message, causes }) => `${at}: ${message}${untold(message, causes)}; mend the named fields.`,
  busy: ({ at, message }) => `${at}: ${message}; it is tried again when the API server allows.`,
  'server-error': ({ at, message }) => `${at}: ${message}; see the API server's log, and etcd's.`,
  rejected: ({ at, message }) => `${at}: ${message}; see the API server's version and what it serves.`,
  'out-of-order': ({ at, message }) =>
    `${at}: ${message}; everything is read anew: look for a proxy on the way that repeats or reorders.`,
  aborted: () => 'The request was given up, since this process is ending; start it again.',
};

/** The causes that the message does not tell of already. */
function untold(told: string, causes: readonly FieldCause[]): string {
  const rest = causes.filter(({ message }) => !told.includes(message));
  const texts = rest.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return texts.length === 0 ? '' : ` (${texts.join('; ')})`;
}

/** What is wrong, and what to do about it. */
export const apiSentence = (reason: ApiReason): string => sentence(sentences, reason);

export type ApiResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: ApiReason };

export const done = <T>(value: T): ApiResult<T> => ({ ok: true, value });
export const refused = (reason: ApiReason): { readonly ok: false; readonly reason: ApiReason } => ({
  ok: false,
  reason,
});
