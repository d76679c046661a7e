// Secrets, as far as the passwords of peers go: nothing else of one is kept.

export interface Secret {
  readonly namespace: string;
  readonly name: string;
  /** Such as `kubernetes.io/basic-auth`. */
  readonly type: string;
  /** Of a Secret for basic authentication; undefined where it has none, or is for something else. */
  readonly password: string | undefined;
}

/** The one type that holds passwords for peers. */
export const basicAuthType = 'kubernetes.io/basic-auth';
