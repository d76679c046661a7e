// Where credentials are looked for, and in which order.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAccess } from './find-access.ts';
import { inClusterAccess } from './in-cluster.ts';

const pod = { KUBERNETES_SERVICE_HOST: '2001:db8::1', KUBERNETES_SERVICE_PORT: '443' };

async function accountFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-account-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('a pod has its service account', async () => {
  const folder = await accountFolder({ token: 'secret\n', 'ca.crt': 'pem', namespace: 'shop\n' });
  const result = await inClusterAccess(pod, folder);
  assert.ok(result.ok);
  assert.deepEqual(result.value.servers, ['https://[2001:db8::1]:443']);
  assert.deepEqual(result.value.token, { file: join(folder, 'token') });
  assert.equal(result.value.namespace, 'shop');
});

test('a pod without an account is told which file is missing', async () => {
  const result = await inClusterAccess(pod, '/nonexistent');
  assert.deepEqual(result, {
    ok: false,
    reason: { kind: 'credentials-unreadable', file: '/nonexistent/token', code: 'ENOENT' },
  });
});

test('a daemon takes the kubeconfig that it is given, or the pod’s account, and looks nowhere else', async () => {
  const environment = { KUBECONFIG: '/nonexistent' };
  const nowhere = await findAccess({ who: 'daemon', environment });
  assert.deepEqual(nowhere, { ok: false, reason: { kind: 'not-in-cluster' } });
  const missing = await findAccess({ who: 'daemon', environment, kubeconfig: '/missing' });
  assert.deepEqual(missing, {
    ok: false,
    reason: { kind: 'credentials-unreadable', file: '/missing', code: 'ENOENT' },
  });
});

test('a person’s command takes what KUBECONFIG names, as far as it is there', async () => {
  const folder = await accountFolder({
    config:
      '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],"clusters":[{"name":"a","cluster":{"server":"https://192.0.2.2"}}]}',
  });
  const environment = { KUBECONFIG: `/missing:${join(folder, 'config')}` };
  const result = await findAccess({ who: 'person', environment });
  assert.ok(result.ok);
  assert.deepEqual(result.value.servers, ['https://192.0.2.2']);
});
