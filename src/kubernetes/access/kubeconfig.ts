// A kubeconfig as kubectl reads it: files merged, the context resolved to an Access. Plug-ins are told of, not run.
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Access, Material } from './access.ts';
import type { AccessReason, AccessResult } from './reason.ts';

export interface KubeconfigText {
  /** Its path: relative ones inside are relative to its folder. */
  readonly file: string;
  readonly text: string;
}

/** What a plug-in has said who we are: text in PEM, or a token. */
export interface Login {
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

type Record_ = Readonly<Record<string, unknown>>;

/** One of the named things in a kubeconfig, and the file that it stands in. */
interface Entry {
  readonly file: string;
  readonly at: string;
  readonly value: Record_;
}

/**
 * The access that a context gives; without one, the current context. Of several files the first that has a name wins,
 * as KUBECONFIG says. A user who logs in by a plug-in is `plugin-needed`, unless the plug-in's `login` is given.
 */
export function kubeconfigAccess(
  files: readonly KubeconfigText[],
  context?: string,
  login?: Login,
): AccessResult<Access> {
  const documents: { readonly file: string; readonly value: Record_ }[] = [];
  for (const { file, text } of files) {
    const value = parsed(text);
    if (typeof value === 'string') return failed({ kind: 'kubeconfig-malformed', file: file, error: value });
    documents.push({ file, value });
  }
  const entries = (list: string, member: string): Map<string, Entry> => {
    const found = new Map<string, Entry>();
    for (const { file, value } of documents) {
      for (const [index, one] of arrayOf(value[list]).entries()) {
        const [name, content] = [textOf(recordOf(one)['name']), recordOf(recordOf(one)[member])];
        const at = `${list}[${index}].${member}`;
        if (name !== undefined && !found.has(name)) found.set(name, { file, at, value: content });
      }
    }
    return found;
  };
  const contexts = entries('contexts', 'context');
  const current = documents.map(({ value }) => textOf(value['current-context'])).find((name) => name);
  const name = context ?? current ?? '';
  const chosen = contexts.get(name);
  if (chosen === undefined)
    return failed({ kind: 'context-missing', context: name, known: [...contexts.keys()] });
  const [clusterName, userName] = [textOf(chosen.value['cluster']), textOf(chosen.value['user'])];
  const cluster = entries('clusters', 'cluster').get(clusterName ?? '');
  if (cluster === undefined) {
    return failed({ kind: 'entry-missing', list: 'clusters', name: clusterName ?? 'none', context: name });
  }
  const user = userName === undefined ? nobody : entries('users', 'user').get(userName);
  if (user === undefined)
    return failed({ kind: 'entry-missing', list: 'users', name: userName ?? '', context: name });
  const plugin = pluginOf(user.value);
  if (plugin !== undefined && login === undefined)
    return failed({ kind: 'plugin-needed', user: userName ?? '', plugin });
  const known = plugin === undefined || login === undefined ? user : { ...user, value: loginFields(login) };
  return resolved(cluster, known, textOf(chosen.value['namespace']) ?? 'default');
}

const loginFields = ({ token, certificate, key }: Login): Record_ => ({
  token,
  'client-certificate-data': certificate && Buffer.from(certificate).toString('base64'),
  'client-key-data': key && Buffer.from(key).toString('base64'),
});

const nobody: Entry = { file: '', at: '', value: {} };

function resolved(cluster: Entry, user: Entry, namespace: string): AccessResult<Access> {
  for (const [entry, field] of [
    ...unsupportedCluster.map(pair(cluster)),
    ...unsupportedUser.map(pair(user)),
  ]) {
    if (entry.value[field] === undefined) continue;
    return problem(entry, field, 'this is not supported; reach the API server without it.');
  }
  const server = textOf(cluster.value['server']) ?? '';
  if (!/^https?:$/.test(URL.parse(server)?.protocol ?? ''))
    return problem(cluster, 'server', 'the address of the API server must stand here, as https://host:port.');
  const authority = material(cluster, 'certificate-authority');
  const certificate = material(user, 'client-certificate');
  const key = material(user, 'client-key');
  for (const [entry, field, value] of [
    [cluster, 'certificate-authority-data', authority],
    [user, 'client-certificate-data', certificate],
    [user, 'client-key-data', key],
  ] as const) {
    if (value === 'malformed') return problem(entry, field, 'this must be PEM in base64.');
  }
  if ((certificate === undefined) !== (key === undefined))
    return problem(user, 'client-certificate', 'a client certificate and its key must be given together.');
  const tokenFile = textOf(user.value['tokenFile']);
  const token = textOf(user.value['token']);
  return {
    ok: true,
    value: {
      servers: [server.replace(/\/+$/, '')],
      serverName: textOf(cluster.value['tls-server-name']),
      isVerified: cluster.value['insecure-skip-tls-verify'] !== true,
      authority: asMaterial(authority),
      clientCertificate: both(asMaterial(certificate), asMaterial(key)),
      token:
        tokenFile !== undefined
          ? { file: beside(user, tokenFile) }
          : token === undefined
            ? undefined
            : { text: token },
      namespace,
    },
  };
}

const unsupportedCluster = ['proxy-url'];
const unsupportedUser = ['username', 'password', 'as', 'as-uid', 'as-groups', 'as-user-extra'];
const pair =
  (entry: Entry) =>
  (field: string): readonly [Entry, string] => [entry, field];

/** The program or provider that a user logs in by. */
function pluginOf(user: Record_): string | undefined {
  const [exec, provider] = [user['exec'], user['auth-provider']];
  if (exec !== undefined && exec !== null) return textOf(recordOf(exec)['command']) ?? 'exec';
  if (provider === undefined || provider === null) return undefined;
  return textOf(recordOf(provider)['name']) ?? 'auth-provider';
}

/** A field that holds a path, or base64 under the same name with `-data`, which goes first. */
function material(entry: Entry, field: string): Material | 'malformed' | undefined {
  const data = textOf(entry.value[`${field}-data`]);
  if (data) {
    const text = Buffer.from(data, 'base64').toString('utf8');
    return text.includes('-----BEGIN') ? { text } : 'malformed';
  }
  const file = textOf(entry.value[field]);
  return file ? { file: beside(entry, file) } : undefined;
}

const asMaterial = (value: Material | 'malformed' | undefined): Material | undefined =>
  value === 'malformed' ? undefined : value;

const both = (certificate: Material | undefined, key: Material | undefined): Access['clientCertificate'] =>
  certificate === undefined || key === undefined ? undefined : { certificate, key };

const beside = (entry: Entry, path: string): string => resolve(dirname(entry.file), path);

const failed = (reason: AccessReason): { readonly ok: false; readonly reason: AccessReason } => ({
  ok: false,
  reason,
});

const problem = ({ file, at }: Entry, field: string, rule: string) =>
  failed({ kind: 'kubeconfig-field', file, field: `${at}.${field}`, rule });

/** The text's object, or what is wrong with it. */
function parsed(text: string): Record_ | string {
  try {
    const value: unknown = parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record_; // checked
    return 'it holds no object';
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  }
}

const arrayOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const recordOf = (value: unknown): Record_ =>
  typeof value === 'object' && value !== null ? (value as Record_) : {};
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
