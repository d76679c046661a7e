// The health of an endpoint that a check of ours probes: a pure machine, one step a result.
import type { HealthCheck } from '../model/endpoint-slice.ts';

/** Why one probe failed. */
export type ProbeFailure =
  | { readonly kind: 'probe-refused' }
  | { readonly kind: 'probe-timeout'; readonly timeoutMilliseconds: number }
  | { readonly kind: 'probe-status'; readonly status: number }
  | { readonly kind: 'probe-failed'; readonly code: string };

export interface EndpointHealth {
  /**
   * Unknown counts as healthy, so that a restarted agent does not empty a Service. Who was never seen healthy is
   * unhealthy with its first failure: it has not come up yet.
   */
  readonly verdict: 'unknown' | 'healthy' | 'unhealthy';
  readonly failuresInARow: number;
  /** The newest failure since the last success. */
  readonly failure: ProbeFailure | undefined;
}

export const unknownHealth: EndpointHealth = { verdict: 'unknown', failuresInARow: 0, failure: undefined };

/** The next state after a probe; `failure` undefined: it succeeded. */
export function afterProbe(
  health: EndpointHealth,
  failure: ProbeFailure | undefined,
  check: Pick<HealthCheck, 'failureThreshold'>,
): EndpointHealth {
  if (failure === undefined) return { verdict: 'healthy', failuresInARow: 0, failure };
  const failuresInARow = health.failuresInARow + 1;
  const isOut = health.verdict !== 'healthy' || failuresInARow >= check.failureThreshold;
  return { verdict: isOut ? 'unhealthy' : 'healthy', failuresInARow, failure };
}
