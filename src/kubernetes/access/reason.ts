// Why it is not known how to reach an API server: what is wrong with the credentials, and the sentences for it.
import { type Sentences, sentence } from '../../model/reason.ts';

export type AccessReason =
  | { readonly kind: 'not-in-cluster' }
  | { readonly kind: 'credentials-unreadable'; readonly file: string; readonly code: string }
  | { readonly kind: 'kubeconfig-malformed'; readonly file: string; readonly error: string }
  | {
      readonly kind: 'kubeconfig-field';
      readonly file: string;
      readonly field: string;
      readonly rule: string;
    }
  | { readonly kind: 'context-missing'; readonly context: string; readonly known: readonly string[] }
  | {
      readonly kind: 'entry-missing';
      readonly list: 'clusters' | 'users';
      readonly name: string;
      readonly context: string;
    }
  | { readonly kind: 'plugin-needed'; readonly user: string; readonly plugin: string }
  | { readonly kind: 'plugin-failed'; readonly error: string };

const sentences: Sentences<AccessReason> = {
  'not-in-cluster': () =>
    'This process runs in no pod (KUBERNETES_SERVICE_HOST and _PORT are not set); give a kubeconfig, by --kubeconfig or KUBECONFIG.',
  'credentials-unreadable': ({ file, code }) =>
    `The credentials in ${file} cannot be read (${code}); mount them, or let this user read them.`,
  'kubeconfig-malformed': ({ file, error }) => `${file} is no kubeconfig: ${error}; mend or replace it.`,
  'kubeconfig-field': ({ file, field, rule }) => `${file}: ${field}: ${rule}`,
  'context-missing': ({ context, known }) =>
    context === ''
      ? `The kubeconfig has no current context; set current-context to one of its contexts (${known.join(', ')}).`
      : `The kubeconfig has no context ${context}; choose one of ${known.join(', ') || 'none: it is empty'}.`,
  'entry-missing': ({ list, name, context }) =>
    `The context ${context} of the kubeconfig names ${name}, which is not in its ${list}; add it there.`,
  'plugin-needed': ({ user, plugin }) =>
    `The user ${user} of the kubeconfig logs in by ${plugin}, which only commands that a person runs can do; give this program a token, a token file or a client certificate.`,
  'plugin-failed': ({ error }) =>
    `The kubeconfig's log-in failed: ${error}; see that kubectl works with the same kubeconfig.`,
};

/** What is wrong, and what to do about it. */
export const accessSentence = (reason: AccessReason): string => sentence(sentences, reason);

export type AccessResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: AccessReason };
