// The credentials that Kubernetes gives every pod: its service account, and where the API server is.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Access } from './access.ts';
import type { AccessResult } from './reason.ts';

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Fails with `not-in-cluster` outside of a pod, and with `credentials-unreadable` where no account is mounted. */
export async function inClusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
  folder = accountFolder,
): Promise<AccessResult<Access>> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) return { ok: false, reason: { kind: 'not-in-cluster' } };
  const token = join(folder, 'token');
  const namespace = join(folder, 'namespace');
  try {
    await readFile(token);
    return {
      ok: true,
      value: {
        servers: [`https://${host.includes(':') ? `[${host}]` : host}:${port}`],
        serverName: undefined,
        isVerified: true,
        authority: { file: join(folder, 'ca.crt') },
        clientCertificate: undefined,
        token: { file: token },
        namespace: (await readFile(namespace, 'utf8')).trim(),
      },
    };
  } catch (error) {
    const { code = 'unknown', path = token } = error as NodeJS.ErrnoException; // of readFile
    return { ok: false, reason: { kind: 'credentials-unreadable', file: path, code } };
  }
}
