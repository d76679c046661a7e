// The shape of every outcome that is not success: a `kind` for metrics, logs and events, and one sentence for people.
// Each planner has its reasons, with their table of sentences, in its own `reason.ts`.

export interface Reason {
  /** kebab-case; the metric label, the log field and the machine-readable part of an Event. */
  readonly kind: string;
}

/** One sentence a kind: what is wrong, with the names and values, then what to do about it. */
export type Sentences<R extends Reason> = {
  readonly [K in R['kind']]: (reason: Extract<R, { readonly kind: K }>) => string;
};

export function sentence<R extends Reason>(sentences: Sentences<R>, reason: R): string {
  const entry: (reason: never) => string = sentences[reason.kind as R['kind']];
  return entry(reason as never);
}
