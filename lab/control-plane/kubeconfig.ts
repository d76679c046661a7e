// Kubeconfig files, as JSON, which is YAML: one server, one user, one context.
import { writeFileSync } from 'node:fs';
import type { KeyPair } from './certificates.ts';

export interface Kubeconfig {
  /** `https://ADDRESS:PORT` */
  readonly server: string;
  /** A PEM file. */
  readonly authorityFile: string;
  readonly user: User;
  /** Where objects are meant to be when nobody says. */
  readonly namespace?: string;
}

/** How a client proves who it is: a token, a file with a token that may change, or a certificate. */
export type User = { readonly token: string } | { readonly tokenFile: string } | KeyPair;

export function writeKubeconfig(path: string, config: Kubeconfig): void {
  const { server, authorityFile, user, namespace = 'default' } = config;
  const name = 'lab';
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': authorityFile } }],
    users: [{ name, user: userFields(user) }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  };
  writeFileSync(path, JSON.stringify(content, undefined, 2), { mode: 0o600 });
}

function userFields(user: User): object {
  if ('keyFile' in user) {
    return { 'client-certificate': user.certificateFile, 'client-key': user.keyFile };
  }
  return user;
}
