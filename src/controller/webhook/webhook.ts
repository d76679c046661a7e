// The admission webhook of one replica, active or standing by: it serves, and keeps its certificate and the API server's
// trust in it in order. Whatever fails here holds up nothing else.
import { decideAdmission, readAdmission, unjudged } from '../../api/webhook/admission.ts';
import { admissionPath, webhookServiceName } from '../../api/webhook/configuration.ts';
import { admissionContext } from '../../api/webhook/context.ts';
import { type AdmissionContext, subjectOf } from '../../api/webhook/verdict.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { type ApiResult, apiSentence, done } from '../../kubernetes/reason.ts';
import type { Log } from '../../observe/log.ts';
import { serviceDnsNames, trustBundle } from './certificate.ts';
import { ensureCertificate, type StoredCertificate } from './certificate-secret.ts';
import { type ConfigurationReading, configurationReading } from './configuration-reading.ts';
import type { WebhookMetrics } from './metrics.ts';
import { startWebhookServer, type WebhookHandler, type WebhookServer } from './server.ts';
import { dropLostConversion, injectBundle } from './trust.ts';

export interface WebhookOptions {
  readonly client: ApiClient;
  /** Where Gantry and its configuration are. */
  readonly namespace: string;
  readonly port: number;
  readonly log: Log;
  readonly metrics: WebhookMetrics;
}

/** Another replica's renewal is noticed within this; until then the former authority is trusted, too. */
const tendMilliseconds = 60_000;
const retryMilliseconds = 5000;

/** Resolves after the signal aborted, or at once where the port cannot be had: then changes are let through unjudged. */
export async function runWebhook(options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, port, log } = options;
  const server = await startWebhookServer(
    port,
    handler(options, configurationReading(client, namespace)),
  ).catch((error: NodeJS.ErrnoException) => error);
  if (server instanceof Error) {
    log.warn('webhook-not-served', { port, error: server.code ?? server.message, next: portAdvice });
    return;
  }
  await using serving = server;
  log.info('webhook-listening', { port: serving.port });
  let served: string | undefined;
  const failing = new Set<string>();
  while (!signal.aborted) {
    const told = teller(log, failing);
    const stored = await ensureCertificate(
      client,
      namespace,
      serviceDnsNames(webhookServiceName, namespace),
      Date.now(),
    );
    if (stored.ok && stored.value.certificate !== served) {
      served = stored.value.certificate;
      takeOver(options, serving, stored.value);
    }
    const isWell = stored.ok ? await keepTrust(options, stored.value, told) : told('certificate', stored);
    await client.clock.sleep(isWell ? tendMilliseconds : retryMilliseconds, signal);
  }
}

const portAdvice =
  'Mistakes in the configuration are not told of when it is applied, but in ConfigurationState all the same. Free the port, or choose another with --webhook-port, in the Service gantry-webhook too.';

function takeOver({ log, metrics }: WebhookOptions, server: WebhookServer, stored: StoredCertificate): void {
  server.serve(stored);
  metrics.certificateEnds(stored.period.notAfter);
  const until = new Date(stored.period.notAfter).toISOString();
  if (stored.made === undefined) log.info('webhook-certificate-served', { until });
  else log.info('webhook-certificate-made', { why: stored.made, until });
}

type Tell = (what: string, outcome: ApiResult<unknown>) => boolean;

/** Whether it went well; a failure is told when it begins. That another replica was first is none. */
const teller =
  (log: Log, failing: Set<string>): Tell =>
  (what, outcome) => {
    if (outcome.ok) {
      failing.delete(what);
      return true;
    }
    const { reason } = outcome;
    const isRace =
      reason.kind === 'conflict' || reason.kind === 'already-exists' || reason.kind === 'aborted';
    if (!isRace && !failing.has(what)) {
      failing.add(what);
      log.warn('webhook-not-in-order', { what, next: apiSentence(reason) });
    }
    return false;
  };

async function keepTrust(
  { client, log }: WebhookOptions,
  { authority, formerAuthority }: StoredCertificate,
  tell: Tell,
): Promise<boolean> {
  const injected = await injectBundle(client, trustBundle(authority, formerAuthority, Date.now()));
  if (injected.ok && injected.value === 'injected') log.info('webhook-trusted');
  const conversion = await dropLostConversion(client);
  if (conversion.ok && conversion.value === 'dropped') log.info('lost-conversion-webhook-dropped');
  const results = [tell('trust', injected), tell('conversion', conversion)];
  return results.every(Boolean);
}

function handler(
  { namespace, log, metrics }: WebhookOptions,
  { forService, forConfiguration }: ConfigurationReading,
): WebhookHandler {
  let isBlind = false;
  const nothing = done(admissionContext([], namespace));
  const contextFor = async (subject: ReturnType<typeof subjectOf>): Promise<ApiResult<AdmissionContext>> =>
    subject === undefined ? nothing : subject === 'service' ? forService() : forConfiguration();
  return async (path, body) => {
    if (path !== admissionPath) return undefined;
    const review = readAdmission(body);
    if ('fault' in review) return { status: 400, body: { message: review.fault } };
    const subject = subjectOf(review.question);
    const kind = subject === undefined ? 'other' : review.question.kind;
    const context = await contextFor(subject);
    if (!context.ok) {
      const next = apiSentence(context.reason);
      if (!isBlind) log.warn('webhook-cannot-read', { next });
      isBlind = true;
      metrics.reviewed(kind, 'unjudged');
      return { status: 200, body: unjudged(review, `Gantry could not judge this: ${next}`) };
    }
    isBlind = false;
    const { answer, verdict, refusal } = decideAdmission(review, context.value);
    metrics.reviewed(kind, verdict);
    if (verdict === 'denied') log.info('change-refused', { why: refusal });
    return { status: 200, body: answer };
  };
}
