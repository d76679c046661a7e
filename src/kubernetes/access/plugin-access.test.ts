// A kubeconfig whose user logs in by a program.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAccess } from './find-access.ts';
import { findPersonsAccess } from './plugin-access.ts';
import { accessSentence } from './reason.ts';

async function kubeconfig(script: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'gantry-kubeconfig-')), 'config');
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
  const config = {
    'current-context': 'home',
    contexts: [{ name: 'home', context: { cluster: 'here', user: 'me' } }],
    clusters: [{ name: 'here', cluster: { server: 'https://192.0.2.2:6443' } }],
    users: [{ name: 'me', user: { exec } }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

test('a command runs the program, and a daemon says that it does not', async () => {
  const status = { token: 'secret' };
  const file = await kubeconfig(`echo '${JSON.stringify({ kind: 'ExecCredential', status })}'`);
  const access = await findPersonsAccess({ kubeconfig: file });
  assert.ok(access.ok);
  assert.deepEqual(access.value.token, { text: 'secret' });
  assert.deepEqual(access.value.servers, ['https://192.0.2.2:6443']);
  const daemons = await findAccess({ kubeconfig: file, who: 'daemon' });
  assert.deepEqual(daemons, { ok: false, reason: { kind: 'plugin-needed', user: 'me', plugin: 'sh' } });
});

test('what the program complains of is told', async () => {
  const access = await findPersonsAccess({ kubeconfig: await kubeconfig('echo no such user >&2; exit 1') });
  assert.ok(!access.ok);
  assert.match(accessSentence(access.reason), /log-in failed: no such user; see that kubectl works/);
});
