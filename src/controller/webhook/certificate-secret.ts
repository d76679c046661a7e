// The Secret that holds the webhook's certificate, for all replicas: made by whoever comes first, and renewed in time.
import { type ApiObject, isRecord } from '../../kubernetes/api-object.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { createObject, getObject, type NewObject, replaceObject } from '../../kubernetes/objects.ts';
import { type ApiResult, done } from '../../kubernetes/reason.ts';
import { secrets } from '../../kubernetes/resource.ts';
import {
  isRenewalDue,
  makeWebhookCertificate,
  type Period,
  servingPeriod,
  type WebhookCertificate,
} from './certificate.ts';

export interface StoredCertificate extends WebhookCertificate {
  /** The authority before, for replicas that serve its certificate still. */
  readonly formerAuthority: string | undefined;
  readonly period: Period;
  /** Why it is another than before: it was made by this call. */
  readonly made: 'first' | 'renewed' | 'mended' | undefined;
}

export const webhookSecretName = 'gantry-webhook';

interface Stored extends WebhookCertificate {
  readonly formerAuthority: string | undefined;
}

/**
 * The certificate that counts now, `now` in milliseconds since 1970. Of several that make one at the same time the API
 * server takes one: `conflict` or `already-exists` says that another was first, to be read at the next call.
 */
export async function ensureCertificate(
  client: ApiClient,
  namespace: string,
  dnsNames: readonly string[],
  now: number,
): Promise<ApiResult<StoredCertificate>> {
  const name = { namespace, name: webhookSecretName };
  const found = await getObject(client, secrets, name);
  if (!found.ok && found.reason.kind !== 'not-found') return found;
  const before = found.ok ? storedIn(found.value) : undefined;
  const period = before && servingPeriod(before, dnsNames);
  if (before !== undefined && period !== undefined && !isRenewalDue(period, now))
    return done({ ...before, period, made: undefined });

  const made: Stored = {
    ...makeWebhookCertificate(dnsNames, now),
    // What it is worth is judged when it is trusted.
    formerAuthority: before?.authority,
  };
  const data = {
    'ca.crt': made.authority,
    'tls.crt': made.certificate,
    'tls.key': made.key,
    ...(made.formerAuthority !== undefined && { 'former-ca.crt': made.formerAuthority }),
  };
  const secret: NewObject & { readonly metadata: { readonly name: string } } = {
    metadata: { ...name, labels: { 'app.kubernetes.io/part-of': 'gantry' } },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  };
  const written = found.ok
    ? await replaceObject(client, secrets, {
        ...secret,
        // A Secret keeps its type as long as it lives.
        type: found.value['type'],
        metadata: { ...secret.metadata, resourceVersion: found.value.metadata.resourceVersion },
      })
    : await createObject(client, secrets, secret);
  if (!written.ok) return written;
  const newPeriod = servingPeriod(made, dnsNames);
  if (newPeriod === undefined) throw new Error('a certificate that was just made is not valid');
  const why = !found.ok ? 'first' : period === undefined ? 'mended' : 'renewed';
  return done({ ...made, period: newPeriod, made: why });
}

/** Undefined where a part is missing; whether they belong together is for `servingPeriod`. */
function storedIn({ data }: ApiObject): Stored | undefined {
  const textAt = (key: string): string | undefined => {
    const value = isRecord(data) ? data[key] : undefined;
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
  };
  const [authority, certificate, key] = [textAt('ca.crt'), textAt('tls.crt'), textAt('tls.key')];
  if (authority === undefined || certificate === undefined || key === undefined) return undefined;
  return { authority, certificate, key, formerAuthority: textAt('former-ca.crt') };
}
