// A request tried again until it succeeds, or fails in a way that trying again does not mend.
import { backoffMilliseconds } from './backoff.ts';
import type { ApiClient } from './client.ts';
import type { ApiReason, ApiResult } from './reason.ts';

export interface RetryOptions {
  /** How often it is tried at most, the first time included. */
  readonly tries: number;
  /**
   * Doing it twice is the same as once: then it is tried again also where the server may have done it, and the answer
   * was lost.
   */
  readonly isRepeatable: boolean;
  readonly signal: AbortSignal;
}

/** Waits longer each time, and as long as the server asks. Resolves with the last failure when the tries are used up. */
export async function retrying<T>(
  { clock, timing }: ApiClient,
  request: () => Promise<ApiResult<T>>,
  { tries, isRepeatable, signal }: RetryOptions,
): Promise<ApiResult<T>> {
  for (let tried = 1; ; tried++) {
    const outcome = await request();
    if (outcome.ok || tried >= tries || !isPassing(outcome.reason, isRepeatable)) return outcome;
    await clock.sleep(backoffMilliseconds(tried, outcome.reason, timing, clock.random), signal);
    if (signal.aborted) return { ok: false, reason: { kind: 'aborted' } };
  }
}

/** True if the same request may well succeed later. */
export function isPassing(reason: ApiReason, isRepeatable: boolean): boolean {
  switch (reason.kind) {
    // The server has not done it.
    case 'no-credentials':
    case 'unreachable':
    case 'untrusted':
    case 'busy':
    case 'unauthorized':
      return true;
    // It may have.
    case 'no-answer':
    case 'cut':
    case 'unreadable':
    case 'server-error':
      return isRepeatable;
    case 'forbidden':
    case 'not-found':
    case 'already-exists':
    case 'conflict':
    case 'expired':
    case 'version-too-large':
    case 'invalid':
    case 'rejected':
    case 'out-of-order':
    case 'aborted':
      return false;
    default:
      return reason satisfies never;
  }
}
