// One step on the way from a Service to its packets, judged.
import type { Reason } from '../../model/reason.ts';

export type StepName =
  | 'service'
  | 'class'
  | 'address'
  | 'pool'
  | 'endpoints'
  | 'advertisement'
  | 'candidates'
  | 'owner'
  | 'bgp'
  | 'forwarding'
  | 'host';

/** `wrong` breaks the chain; `warning` may, or breaks a part of it; `unknown`: Gantry cannot see it. */
export type Verdict = 'ok' | 'wrong' | 'warning' | 'unknown';

export interface Step {
  readonly step: StepName;
  readonly verdict: Verdict;
  /** The reason's kind; null where all is well. */
  readonly kind: string | null;
  /** One sentence; where something is wrong it ends with what to do. */
  readonly message: string;
  readonly details: readonly string[];
}

export const ok = (step: StepName, message: string, details: readonly string[] = []): Step => ({
  step,
  verdict: 'ok',
  kind: null,
  message,
  details,
});

export const judged = (
  step: StepName,
  verdict: Exclude<Verdict, 'ok'>,
  reason: Reason,
  message: string,
  details: readonly string[] = [],
): Step => ({ step, verdict, kind: reason.kind, message, details });

/** A clause, as the data plane words its reasons. */
export function asSentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
