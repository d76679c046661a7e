// Service accounts with rights of their own, as pods have them: to run a program with exactly its role.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { type ApiClient, type ApiEndpoint, createApiClient } from './api-client.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { Objects } from './objects.ts';

export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

export interface AccountRequest {
  readonly namespace: string;
  readonly name: string;
  /** Of a ClusterRole of its own. Without them it has only what its other bindings give. */
  readonly rules?: readonly PolicyRule[];
  /** Of a Role of its own, in its namespace. */
  readonly namespaceRules?: readonly PolicyRule[];
}

export interface Account {
  readonly token: string;
  /** A kubeconfig with `token` itself. */
  readonly kubeconfig: string;
  /** The files `token`, `ca.crt` and `namespace`, as a pod has them in its service account's volume. */
  readonly directory: string;
  /** A new token, valid for so long, in `directory` and in what this resolves with; the old one stays valid. */
  renewToken(expirationSeconds?: number): Promise<string>;
  /** A client with the token of now. */
  client(from: Host): ApiClient;
}

export interface AccountContext {
  readonly api: ApiClient;
  readonly objects: Objects;
  readonly endpoint: Omit<ApiEndpoint, 'token' | 'from'>;
  readonly server: string;
  /** The public part of the API server's authority, PEM. */
  readonly authority: string;
  readonly directory: string;
}

/** Makes the namespace, the ServiceAccount, and a ClusterRole and a Role with their bindings where there are rules. */
export async function createAccount(
  { api, objects, endpoint, server, authority, directory: parent }: AccountContext,
  { namespace, name, rules, namespaceRules }: AccountRequest,
): Promise<Account> {
  const full = `${namespace}-${name}`;
  const roleApi = 'rbac.authorization.k8s.io';
  await objects.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } },
  );
  const bind = (kind: 'ClusterRole' | 'Role', given: readonly PolicyRule[]): Promise<void> => {
    const metadata = kind === 'Role' ? { namespace, name } : { name: full };
    return objects.apply(
      { apiVersion: `${roleApi}/v1`, kind, metadata, rules: given },
      {
        apiVersion: `${roleApi}/v1`,
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup: roleApi, kind, name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', namespace, name }],
      },
    );
  };
  if (rules !== undefined) await bind('ClusterRole', rules);
  if (namespaceRules !== undefined) await bind('Role', namespaceRules);

  const directory = join(parent, full);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'ca.crt'), authority);
  writeFileSync(join(directory, 'namespace'), namespace);
  const renewToken = async (expirationSeconds = 24 * 3600): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds },
    };
    const { status } = await api.call<{ readonly status: { readonly token: string } }>('POST', path, request);
    writeFileSync(join(directory, 'token'), status.token, { mode: 0o600 });
    return status.token;
  };

  let token = await renewToken();
  const kubeconfig = join(directory, 'kubeconfig');
  const { authorityFile } = endpoint;
  writeKubeconfig(kubeconfig, { server, authorityFile, user: { token }, namespace });
  return {
    token,
    kubeconfig,
    directory,
    async renewToken(expirationSeconds) {
      token = await renewToken(expirationSeconds);
      return token;
    },
    client: (from) => createApiClient({ ...endpoint, from, token }),
  };
}
