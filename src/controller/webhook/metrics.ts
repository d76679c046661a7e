// Metrics of the webhook: what it answers, and how long its certificate is good for.
import { Counter, Gauge, type Registry } from 'prom-client';

export type WebhookVerdict = 'allowed' | 'warned' | 'denied' | 'unjudged';

export interface WebhookMetrics {
  /** `kind` is one of few: whoever reaches the port can ask about anything. */
  reviewed(kind: string, verdict: WebhookVerdict): void;
  /** Milliseconds since 1970. */
  certificateEnds(at: number): void;
}

export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry];
  const reviews = new Counter({
    name: 'gantry_webhook_reviews_total',
    help: 'Changes that the API server asked about. unjudged: let through, since the rest could not be read.',
    labelNames: ['kind', 'verdict'],
    registers,
  });
  const expiry = new Gauge({
    name: 'gantry_webhook_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is served ends; it is renewed when a third of its time is left.',
    registers,
  });
  return {
    reviewed: (kind, verdict) => reviews.inc({ kind, verdict }),
    certificateEnds: (at) => expiry.set(at / 1000),
  };
}
