// All keys, certificates and tokens of one control plane, as files of its directory.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, createAuthority, type KeyPair } from './certificates.ts';
import { apiServiceAddresses } from './flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';

export interface Credentials {
  readonly directory: string;
  /** Signs what the API server shows; its clients trust it. */
  readonly authority: Authority;
  readonly serving: KeyPair;
  /** Signs the certificates that clients show. */
  readonly clientAuthority: Authority;
  /** Of service account tokens. */
  readonly accountKeys: { readonly privateFile: string; readonly publicFile: string };
  /** Of a member of `system:masters`. */
  readonly adminToken: string;
  readonly adminKubeconfig: string;
  /** Lines of `token,user,uid,"group,..."`. */
  readonly tokensFile: string;
  /** A new serving certificate in the same files. */
  renewServing(): void;
}

/** A name that the API server's certificate has. */
export const serverName = 'kubernetes.default.svc';

export function createCredentials(
  directory: string,
  server: string,
  addresses: readonly string[],
): Credentials {
  const file = (name: string): string => join(directory, name);
  const authority = createAuthority(directory, 'authority');
  const hosts = [serverName, 'kubernetes', 'localhost', ...apiServiceAddresses, ...addresses];
  const issueServing = (): KeyPair => authority.issue('kube-apiserver', { hosts });
  const adminToken = 'admin-of-the-lab';
  const credentials: Credentials = {
    directory,
    authority,
    serving: issueServing(),
    clientAuthority: createAuthority(directory, 'client-authority'),
    accountKeys: { privateFile: file('accounts.key'), publicFile: file('accounts.pub') },
    adminToken,
    adminKubeconfig: file('admin.kubeconfig'),
    tokensFile: file('tokens.csv'),
    renewServing: () => void issueServing(),
  };
  // Kubernetes reads EC keys in the form of SEC 1 only.
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(credentials.accountKeys.privateFile, privateKey, { mode: 0o600 });
  writeFileSync(credentials.accountKeys.publicFile, publicKey);
  writeFileSync(credentials.tokensFile, `${adminToken},admin,1,"system:masters"\n`, { mode: 0o600 });
  writeKubeconfig(credentials.adminKubeconfig, {
    server,
    authorityFile: authority.certificateFile,
    user: { token: adminToken },
  });
  return credentials;
}
