// The key of the heartbeats in a cluster: a Secret, which pulses have as a file.
import { randomBytes } from 'node:crypto';
import type { ApiClient } from '../kubernetes/client.ts';
import { createObject, getObject } from '../kubernetes/objects.ts';
import { type ApiResult, done } from '../kubernetes/reason.ts';
import { secrets } from '../kubernetes/resource.ts';

export const membershipSecretName = 'gantry-membership';
const keyName = 'membership.key';

/** Makes it with 256 random bits unless it is there; one that is there is never changed. */
export async function ensureMembershipSecret(
  client: ApiClient,
  namespace: string,
): Promise<ApiResult<'made' | 'was-there'>> {
  const name = { namespace, name: membershipSecretName };
  const found = await getObject(client, secrets, name);
  if (found.ok) return done('was-there');
  if (found.reason.kind !== 'not-found') return found;
  const made = await createObject(client, secrets, {
    metadata: { ...name, labels: { 'app.kubernetes.io/part-of': 'gantry' } },
    type: 'Opaque',
    data: { [keyName]: Buffer.from(`${randomBytes(32).toString('hex')}\n`).toString('base64') },
  });
  if (made.ok) return done('made');
  return made.reason.kind === 'already-exists' ? done('was-there') : made;
}
