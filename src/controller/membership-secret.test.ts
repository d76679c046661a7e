// The Secret is made once and never changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiClient } from '../kubernetes/client.ts';
import { startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { createObject } from '../kubernetes/objects.ts';
import { namespaces } from '../kubernetes/resource.ts';
import { sampleAccess } from '../kubernetes/sample-access.ts';
import { ensureMembershipSecret } from './membership-secret.ts';

test('where there is no key one is made, and what is there stays', async () => {
  await using server = await startFakeApiServer();
  using client = createApiClient({ access: sampleAccess([server.url]) });
  await createObject(client, namespaces, { metadata: { name: 'gantry-system' } });
  const outcomes = await Promise.all([1, 2].map(() => ensureMembershipSecret(client, 'gantry-system')));
  assert.deepEqual(outcomes.map((outcome) => outcome.ok && outcome.value).sort(), ['made', 'was-there']);
  const stored = () => server.store.get('v1/secrets', 'gantry-system/gantry-membership');
  const before = stored();
  const { 'membership.key': key = '' } = (before?.['data'] ?? {}) as Record<string, string>;
  assert.match(Buffer.from(key, 'base64').toString(), /^[0-9a-f]{64}\n$/);
  assert.deepEqual(await ensureMembershipSecret(client, 'gantry-system'), { ok: true, value: 'was-there' });
  assert.equal(stored(), before);
});
